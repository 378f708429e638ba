import { expect } from 'chai';
import { applyOrientation, type Picture, paletteOf, rgbPicture, toRgb } from '../../src/image/picture.js';

const rest = { orientation: 1, format: 'png' } as const;

/** A grey picture of 3 x 2 numbered pixels, seen with an orientation. */
const numbered = (orientation: number): Picture => ({
  width: 3,
  height: 2,
  mode: 'L',
  data: Uint8Array.of(1, 2, 3, 4, 5, 6),
  orientation,
  format: 'jpeg',
});

describe('toRgb', () => {
  const rgb = (picture: Omit<Picture, 'orientation' | 'format'>) => [...toRgb({ ...picture, ...rest }).data];

  it('repeats grey and drops alpha as it stands', () => {
    expect(rgb({ width: 2, height: 1, mode: 'L', data: Uint8Array.of(0, 7) })).to.deep.equal([0, 0, 0, 7, 7, 7]);
    expect(rgb({ width: 1, height: 2, mode: '1', data: Uint8Array.of(0, 255) })).to.deep.equal([
      0, 0, 0, 255, 255, 255,
    ]);
    expect(rgb({ width: 2, height: 1, mode: 'LA', data: Uint8Array.of(9, 0, 8, 255) })).to.deep.equal([
      9, 9, 9, 8, 8, 8,
    ]);
    expect(rgb({ width: 1, height: 1, mode: 'RGBA', data: Uint8Array.of(1, 2, 3, 0) })).to.deep.equal([1, 2, 3]);
  });

  it('clips 16-bit grey at 255', () => {
    const data = Uint16Array.of(0, 255, 256, 65535);
    const grey = rgb({ width: 4, height: 1, mode: 'I;16', data }).filter((_, i) => i % 3 === 0);
    expect(grey).to.deep.equal([0, 255, 255, 255]);
  });

  it('shows the colour of a transparent palette entry', () => {
    const palette = { rgb: Uint8Array.of(1, 2, 3, 4, 5, 6), alpha: Uint8Array.of(255, 0) };
    const picture = { width: 3, height: 1, mode: 'P', data: Uint8Array.of(1, 0, 1), palette } as const;
    expect(rgb(picture)).to.deep.equal([4, 5, 6, 1, 2, 3, 4, 5, 6]);
  });

  it('keeps size, orientation and format, and returns an RGB picture itself', () => {
    expect(toRgb(numbered(6))).to.include({ width: 3, height: 2, mode: 'RGB', orientation: 6, format: 'jpeg' });
    const picture = rgbPicture(1, 1, Uint8Array.of(1, 2, 3));
    expect(toRgb(picture)).to.equal(picture);
  });
});

describe('applyOrientation', () => {
  // From the EXIF definition: where the first row and the first column of the file belong.
  const upright: Record<number, [width: number, ...pixels: number[]]> = {
    1: [3, 1, 2, 3, 4, 5, 6],
    2: [3, 3, 2, 1, 6, 5, 4],
    3: [3, 6, 5, 4, 3, 2, 1],
    4: [3, 4, 5, 6, 1, 2, 3],
    5: [2, 1, 4, 2, 5, 3, 6],
    6: [2, 4, 1, 5, 2, 6, 3],
    7: [2, 6, 3, 5, 2, 4, 1],
    8: [2, 3, 6, 2, 5, 1, 4],
  };
  for (const [orientation, [width, ...pixels]] of Object.entries(upright)) {
    it(`turns orientation ${orientation} upright`, () => {
      const turned = applyOrientation(numbered(Number(orientation)));
      expect([...turned.data]).to.deep.equal(pixels);
      expect(turned).to.include({ width, height: 6 / width, orientation: 1, mode: 'L', format: 'jpeg' });
    });
  }

  it('moves whole pixels of several samples, and those of 16 bits', () => {
    const pair = { ...rgbPicture(2, 1, Uint8Array.of(1, 2, 3, 4, 5, 6)), orientation: 6 };
    expect([...applyOrientation(pair).data]).to.deep.equal([1, 2, 3, 4, 5, 6]);
    expect([...applyOrientation({ ...pair, orientation: 8 }).data]).to.deep.equal([4, 5, 6, 1, 2, 3]);
    const deep: Picture = { ...numbered(3), mode: 'I;16', data: Uint16Array.of(1000, 2000, 3000, 4000, 5000, 6000) };
    expect(applyOrientation(deep).data).to.deep.equal(Uint16Array.of(6000, 5000, 4000, 3000, 2000, 1000));
  });

  it('keeps the palette', () => {
    const palette = { rgb: Uint8Array.of(1, 2, 3) };
    const picture: Picture = {
      width: 1,
      height: 1,
      mode: 'P',
      data: Uint8Array.of(0),
      palette,
      orientation: 5,
      format: 'png',
    };
    expect(paletteOf(applyOrientation(picture))).to.equal(palette);
  });
});

describe('rgbPicture and paletteOf', () => {
  it('refuse data of another size and a picture without palette', () => {
    expect(() => rgbPicture(2, 2, new Uint8Array(11))).to.throw(RangeError, '2 x 2 pixels need 12 bytes, got 11');
    expect(() => paletteOf(numbered(1))).to.throw(RangeError, 'mode L has no palette');
  });
});
