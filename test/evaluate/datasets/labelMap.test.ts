import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import { InputError } from '../../../src/errors.js';
import { readLabels } from '../../../src/evaluate/datasets/labelMap.js';
import { asNumbered, contextAll, type LabelValues } from '../../../src/evaluate/datasets/labelValues.js';
import { encodePicture } from '../../../src/image/encode.js';
import { inTemporaryFolder } from '../../files/temporary.js';
import { filled, greyMap, image, packedPng, paletteMap, size, wideMap } from './fixtures.js';

const classes = asNumbered(21);

describe('a label map', () => {
  const reading = (bytes: Uint8Array, values: LabelValues, use: (read: () => Uint8Array) => void) =>
    inTemporaryFolder(dir => {
      const path = join(dir, 'map.png');
      writeFileSync(path, bytes);
      use(() => readLabels(path, values, size));
    });
  const expectLabels = (bytes: Uint8Array, values: LabelValues, numbers: readonly number[]) =>
    reading(bytes, values, read => expect([...read()]).to.deep.equal(filled(numbers)));
  const expectRefusal = (bytes: Uint8Array, message: RegExp) =>
    reading(bytes, classes, read =>
      expect(read).to.throw(InputError, message).with.property('message').not.match(/\n/),
    );

  it('is read as indices, whatever the palette', async () => {
    await expectLabels(await paletteMap([3, 0, 20, 255]), classes, [3, 0, 20, 255]);
    await expectLabels(await greyMap([3, 0, 20, 255]), classes, [3, 0, 20, 255]);
    await expectLabels(await wideMap([458, 2, 1, 0, 115]), contextAll, [59, 1, 0, 0, 24]);
  });

  it('may have 1, 2, 4 or 8 bits a pixel in a palette', () =>
    fc.assert(
      fc.asyncProperty(
        fc.constantFrom(1, 2, 4, 8),
        fc.array(fc.nat(20), { minLength: 12, maxLength: 12 }),
        async (bits, drawn) => {
          const numbers = drawn.map(number => number % 2 ** bits);
          await expectLabels(packedPng(numbers, bits, 3), classes, numbers);
        },
      ),
      { numRuns: 40 },
    ));

  it('of colours is refused', async () => {
    await expectRefusal(await image('.png'), /map\.png: expected a label map of class numbers.*got colours \(RGB\)$/);
    const [grey, opaque] = [new Uint8Array(24), new Uint8Array(48)];
    const other = { ...size, orientation: 1, format: 'png' } as const;
    await expectRefusal(await encodePicture({ ...other, mode: 'RGBA', data: opaque }, '.png'), /got colours/);
    await expectRefusal(await encodePicture({ ...other, mode: 'LA', data: grey }, '.png'), /got grey with opacity$/);
  });

  it('of grey that readers take differently, or of more bits than its classes need, is refused', async () => {
    for (const bits of [1, 2, 4]) await expectRefusal(packedPng([1], bits, 0), new RegExp(`got grey of ${bits} bits$`));
    await expectRefusal(await wideMap([3]), /got grey of 16 bits$/);
  });

  it('that is no PNG, is broken, or of another size than its image is refused', async () => {
    await expectRefusal(await image('.jpg'), /map\.png: expected a label map as PNG, got JPEG/);
    await expectRefusal(new TextEncoder().encode('labels'), /map\.png: expected a PNG.*got text$/);
    const whole = await paletteMap([1]);
    await expectRefusal(whole.subarray(0, whole.length - 20), /map\.png: the picture is cut short/);
    await expectRefusal(
      await paletteMap([1], { width: 3, height: 4 }),
      /map\.png: expected the size of its image, 4 x 3, got 3 x 4$/,
    );
  });

  it('with a number that is no class is refused, saying where', () =>
    reading(packedPng([0, 1, 2, 3, 4, 21], 8, 3), classes, read =>
      expect(read).to.throw(InputError, 'map.png: expected class numbers 0 to 20 or 255, got 21 at column 1, row 1'),
    ));
});
