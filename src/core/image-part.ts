import type { ImagePart } from './types.ts';

/** The first bytes of the formats that models see, and their media types. */
const signatures: readonly (readonly [string, readonly (number | undefined)[]])[] = [
  ['image/png', [0x89, 0x50, 0x4e, 0x47]],
  ['image/jpeg', [0xff, 0xd8, 0xff]],
  ['image/gif', [0x47, 0x49, 0x46, 0x38]],
  ['image/webp', [0x52, 0x49, 0x46, 0x46, undefined, undefined, undefined, undefined, 0x57, 0x45, 0x42, 0x50]],
];

/**
 * An image of a message from its bytes. `mediaType` is seen from the bytes of PNG, JPEG, GIF and WebP, and needed for others.
 * @throws {TypeError} where it is needed and missing.
 */
export function imagePart(
  bytes: Uint8Array,
  options: { readonly mediaType?: string; readonly detail?: 'auto' | 'low' | 'high' } = {},
): ImagePart {
  const { mediaType = mediaTypeOf(bytes), detail } = options;
  if (mediaType === undefined)
    throw new TypeError('imagePart(): these bytes are no PNG, JPEG, GIF or WebP; say what they are in mediaType.');
  return { type: 'image_url', image_url: { url: `data:${mediaType};base64,${toBase64(bytes)}`, ...(detail && { detail }) } };
}

function mediaTypeOf(bytes: Uint8Array): string | undefined {
  return signatures.find(([, signature]) => signature.every((byte, at) => byte === undefined || bytes[at] === byte))?.[0];
}

/** In parts, because a call takes only so many arguments; the length of a part divides by 3, so that none is padded. */
const partLength = 0x8001;

function toBase64(bytes: Uint8Array): string {
  let text = '';
  for (let start = 0; start < bytes.length; start += partLength) {
    text += btoa(String.fromCharCode(...bytes.subarray(start, start + partLength)));
  }
  return text;
}
