import { describe, expect, test } from 'vitest';
import { imagePart } from '../../src/core/image-part.ts';

const png = new Uint8Array([0x89, 0x50, 0x4e, 0x47, 1, 2, 3]);

describe('imagePart', () => {
  test.each([
    ['image/png', png],
    ['image/jpeg', new Uint8Array([0xff, 0xd8, 0xff, 0xe0])],
    ['image/gif', new TextEncoder().encode('GIF89a')],
    ['image/webp', new TextEncoder().encode('RIFF1234WEBPVP8 ')],
  ])('sees that bytes are %s', (mediaType, bytes) => {
    const { url } = imagePart(bytes).image_url;
    expect(url).toBe(`data:${mediaType};base64,${Buffer.from(bytes).toString('base64')}`);
  });

  test('a RIFF file that is no WebP is not taken for one', () => {
    expect(() => imagePart(new TextEncoder().encode('RIFF1234WAVEfmt '))).toThrow('mediaType');
  });

  test('bytes of another format need their media type', () => {
    const bytes = new TextEncoder().encode('<svg/>');
    expect(() => imagePart(bytes)).toThrow(TypeError);
    expect(imagePart(bytes, { mediaType: 'image/svg+xml' }).image_url.url).toMatch(/^data:image\/svg\+xml;base64,/);
  });

  test('large images keep every byte', () => {
    const bytes = Uint8Array.from({ length: 100_003 }, (_, at) => (at * 7) % 256);
    const { url } = imagePart(bytes, { mediaType: 'image/png' }).image_url;
    expect(Buffer.from(url.slice(url.indexOf(',') + 1), 'base64')).toEqual(Buffer.from(bytes));
  });

  test('the detail goes along', () => {
    expect(imagePart(png, { detail: 'low' }).image_url.detail).toBe('low');
    expect(imagePart(png).image_url).not.toHaveProperty('detail');
  });
});
