import { type LanguageModelV4FilePart, UnsupportedFunctionalityError } from '@ai-sdk/provider';
import { type ContentPart, type ImagePart, imagePart } from '../index.ts';

type File = Pick<LanguageModelV4FilePart, 'data' | 'mediaType' | 'providerOptions'>;
type Detail = ImagePart['image_url']['detail'];

/**
 * A file of a message as part of ours: images and texts. Bytes of an image travel inside the request; an address is passed on, and the
 * server must reach it by itself.
 * @throws {UnsupportedFunctionalityError} for anything else: audio, video, PDF, references to files of one company.
 */
export function fileToPart({ data, mediaType, providerOptions }: File): ContentPart {
  const kind = mediaType.split('/', 1)[0];
  if (data.type === 'text') return { type: 'text', text: data.text };
  if (data.type === 'reference') throw new UnsupportedFunctionalityError({ functionality: 'references to uploaded files' });
  if (kind === 'image') {
    const detail = detailOf(providerOptions?.['inferlane']?.['imageDetail']);
    if (data.type === 'url') return { type: 'image_url', image_url: { url: data.url.href, ...(detail && { detail }) } };
    return imageOf(toBytes(data.data), mediaType, detail);
  }
  if (kind === 'text' && data.type === 'data') return { type: 'text', text: new TextDecoder().decode(toBytes(data.data)) };
  throw new UnsupportedFunctionalityError({ functionality: `files of type ${mediaType}${data.type === 'url' ? ' by their address' : ''}` });
}

function imageOf(bytes: Uint8Array, mediaType: string, detail: Detail): ImagePart {
  const isFull = /^image\/[^*]+$/.test(mediaType);
  try {
    return imagePart(bytes, { ...(isFull && { mediaType }), ...(detail && { detail }) });
  } catch {
    throw new UnsupportedFunctionalityError({ functionality: `images of an unknown format with the media type ${mediaType}` });
  }
}

const details: readonly unknown[] = ['auto', 'low', 'high'];

function detailOf(value: unknown): Detail {
  return details.includes(value) ? (value as Detail) : undefined;
}

/** The AI SDK gives bytes, or their base64. */
function toBytes(data: Uint8Array | string): Uint8Array {
  if (typeof data !== 'string') return data;
  return Uint8Array.from(atob(data.replaceAll('-', '+').replaceAll('_', '/')), (character) => character.charCodeAt(0));
}
