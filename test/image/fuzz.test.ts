import { expect } from 'chai';
import { InputError } from '../../src/errors.js';
import { crc32 } from '../../src/files/crc32.js';
import { decodePicture } from '../../src/image/decode.js';
import { samplesPerPixel } from '../../src/image/picture.js';
import { randomBelow } from '../random.js';
import { sample, samples } from './samples.js';

const maxPixels = 2 ** 18;

const telling = [0, 1, 2, 3, 7, 0x7f, 0x80, 0xc0, 0xd9, 0xda, 0xfe, 0xff];

function mutate(seed: Uint8Array, random: (limit: number) => number): Uint8Array {
  let bytes = Uint8Array.from(seed);
  for (let times = 1 + random(4); times > 0; times--) {
    // Most of what a decoder decides on stands near the front.
    const at = random(2) ? random(bytes.length) : random(Math.min(64, bytes.length));
    switch (random(6)) {
      case 0:
        bytes[at]! ^= 1 << random(8);
        break;
      case 1:
        bytes[at] = telling[random(telling.length)]!;
        break;
      case 2:
        bytes[at] = random(256);
        break;
      case 3:
        bytes = bytes.slice(0, Math.max(1, bytes.length - random(40)));
        break;
      case 4: {
        const length = 1 + random(8);
        bytes = Uint8Array.of(...bytes.subarray(0, at), ...bytes.subarray(at + length), 0);
        break;
      }
      default: {
        const from = random(bytes.length);
        bytes = Uint8Array.of(
          ...bytes.subarray(0, at),
          ...bytes.subarray(from, from + 1 + random(16)),
          ...bytes.subarray(at),
        );
      }
    }
  }
  return bytes;
}

/** Makes the checksums of a PNG file right again, so that what was changed gets past them. */
function withChecksums(bytes: Uint8Array): Uint8Array {
  const view = new DataView(bytes.buffer);
  for (let at = 8; at + 12 <= bytes.length; ) {
    const end = at + 8 + view.getUint32(at);
    if (end + 4 > bytes.length) break;
    view.setUint32(end, crc32(bytes.subarray(at + 4, end)));
    at = end + 4;
  }
  return bytes;
}

/** Decodes and checks what holds for every picture; false when it was refused. */
async function survives(bytes: Uint8Array, name: string): Promise<boolean> {
  try {
    const { width, height, mode, data, palette, orientation } = await decodePicture(bytes, name, { maxPixels });
    expect(width * height).to.be.within(1, maxPixels);
    expect(data.length).to.equal(width * height * samplesPerPixel[mode]);
    expect(orientation).to.be.within(1, 8);
    expect(palette !== undefined).to.equal(mode === 'P');
    if (palette) expect(Math.max(...new Set(data)) * 3).to.be.below(palette.rgb.length);
    return true;
  } catch (error) {
    if (!(error instanceof InputError))
      throw new Error(`${name}: ${(error as Error).stack}\n${Buffer.from(bytes).toString('base64')}`);
    expect(error.message).to.match(/^[^\n]+$/);
    expect(error.message.startsWith(`${name}: `)).to.equal(true);
    return false;
  }
}

describe('damaged pictures', () => {
  const kinds = { png: 1500, bmp: 1000, gif: 1000, jpeg: 120, webp: 100 };
  for (const [kind, rounds] of Object.entries(kinds)) {
    it(`${kind}: ${rounds} mutations are refused with one line or give a whole picture`, async () => {
      const seeds = samples.filter(({ name, mode }) => name.startsWith(kind) && mode !== 'CMYK');
      const random = randomBelow(1);
      let read = 0;
      for (let round = 0; round < rounds; round++) {
        const seed = seeds[random(seeds.length)]!;
        const bytes = mutate(seed.file, random);
        const fixed = kind === 'png' && random(4) ? withChecksums(bytes) : bytes;
        if (await survives(fixed, `${seed.name} round ${round}`)) read++;
      }
      // Both outcomes must happen, or the mutations are too weak or too strong to tell anything.
      expect(read).to.be.within(rounds / 50, rounds * 0.9);
    });
  }

  it('jpeg of four channels, which has a decoder of its own', async () => {
    const random = randomBelow(2);
    const { file } = sample('jpeg-cmyk-exif8');
    for (let round = 0; round < 40; round++) await survives(mutate(file, random), `cmyk round ${round}`);
  });
});
