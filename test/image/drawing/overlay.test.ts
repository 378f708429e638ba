import { expect } from 'chai';
import fc from 'fast-check';
import { InputError } from '../../../src/errors.js';
import { decodePicture } from '../../../src/image/decode.js';
import { labelPicture, overlay } from '../../../src/image/drawing/overlay.js';
import { classColours, vocPalette } from '../../../src/image/drawing/palette.js';
import { encodePicture } from '../../../src/image/encode.js';
import { rgbPicture } from '../../../src/image/picture.js';

const entry = (palette: Uint8Array, index: number) => [...palette.subarray(index * 3, index * 3 + 3)];

describe('palettes', () => {
  it('has the colours of PASCAL VOC', () => {
    const palette = vocPalette();
    expect(palette.length).to.equal(768);
    expect(entry(palette, 0)).to.deep.equal([0, 0, 0]);
    expect(entry(palette, 1)).to.deep.equal([128, 0, 0]);
    expect(entry(palette, 6)).to.deep.equal([0, 128, 128]);
    expect(entry(palette, 15)).to.deep.equal([192, 128, 128]);
    expect(entry(palette, 20)).to.deep.equal([0, 64, 128]);
    expect(entry(palette, 255)).to.deep.equal([224, 224, 192]);
    expect(new Set(Array.from({ length: 256 }, (_, i) => entry(palette, i).join())).size).to.equal(256);
  });

  it('makes class colours that differ, keep their place, and leave room for a background', () => {
    const colours = classColours(24);
    for (let i = 0; i < 24; i++) {
      for (let j = 0; j < i; j++) {
        const [a, b] = [entry(colours, i), entry(colours, j)];
        expect(Math.hypot(...a.map((value, c) => value - b[c]!)), `${i} and ${j}`).to.be.above(25);
      }
    }
    expect(entry(classColours(300), 7)).to.deep.equal(entry(colours, 7));
    const withBackground = classColours(4, 1);
    expect(Math.max(...entry(withBackground, 1))).to.be.below(64);
    expect(entry(withBackground, 0)).to.deep.equal(entry(colours, 0));
    expect(entry(withBackground, 3)).to.deep.equal(entry(colours, 2));
    expect(classColours(0).length).to.equal(0);
    for (const bad of [-1, 1.5, Number.NaN, 65537])
      expect(() => classColours(bad)).to.throw(InputError, /classColours/);
  });
});

describe('overlay', () => {
  const picture = rgbPicture(3, 1, Uint8Array.of(0, 100, 200, 10, 20, 30, 255, 255, 255));
  const palette = Uint8Array.of(255, 0, 0, 0, 255, 0);
  const plain = { palette, outlines: false };

  it('mixes the class colours into the picture and leaves the picture alone', () => {
    const before = picture.data.slice();
    const mixed = overlay(picture, Uint8Array.of(0, 1, 1), { ...plain, alpha: 0.5 });
    expect([...mixed.data]).to.deep.equal([128, 50, 100, 5, 138, 15, 128, 255, 128]);
    expect(overlay(picture, Uint8Array.of(0, 1, 1), { ...plain, alpha: 0 }).data).to.deep.equal(before);
    const covered = overlay(picture, Uint8Array.of(0, 1, 1), { ...plain, alpha: 1 });
    expect([...covered.data]).to.deep.equal([255, 0, 0, 0, 255, 0, 0, 255, 0]);
    expect(picture.data).to.deep.equal(before);
  });

  it('leaves ignored pixels, and takes more than 256 classes', () => {
    const kept = overlay(picture, Uint8Array.of(255, 1, 255), { ...plain, alpha: 1, ignore: 255 });
    expect([...kept.data]).to.deep.equal([0, 100, 200, 0, 255, 0, 255, 255, 255]);
    const many = overlay(picture, Uint16Array.of(999, 0, 0), {
      palette: classColours(1000),
      alpha: 1,
      outlines: false,
    });
    expect([...many.data.subarray(0, 3)]).to.deep.equal(entry(classColours(1000), 999));
  });

  it('draws a light line where two classes meet, and nowhere else', () => {
    const grey = rgbPicture(4, 3, new Uint8Array(36).fill(100));
    const labels = Uint8Array.of(0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1);
    const without = overlay(grey, labels, plain);
    const lined = overlay(grey, labels, { palette });
    for (let y = 0; y < 3; y++) {
      for (let x = 0; x < 4; x++) {
        const [a, b] = [entry(lined.data as Uint8Array, y * 4 + x), entry(without.data as Uint8Array, y * 4 + x)];
        if (x === 1) expect(Math.min(...a)).to.be.above(190);
        else expect(a, `${x}, ${y}`).to.deep.equal(b);
      }
    }
  });

  it('refuses labels without a colour, another size and a bad alpha', () => {
    expect(() => overlay(picture, Uint8Array.of(0, 1, 2), plain)).to.throw(
      InputError,
      /class 2 has no colour.*2 entries/,
    );
    expect(() => overlay(picture, new Uint8Array(4), plain)).to.throw(RangeError, /3 x 1 pixels need 3 labels, got 4/);
    for (const alpha of [-0.1, 1.1, Number.NaN]) {
      expect(() => overlay(picture, new Uint8Array(3), { ...plain, alpha })).to.throw(InputError, /expected alpha/);
    }
  });
});

describe('labelPicture', () => {
  it('survives being written as PNG and read back', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 12, maxLength: 12 }), async labels => {
        const file = await encodePicture(labelPicture(labels, 4, 3), '.png');
        const back = await decodePicture(file, 'labels.png');
        expect([back.mode, back.width, back.height]).to.deep.equal(['P', 4, 3]);
        expect([...back.data]).to.deep.equal([...labels]);
        expect(entry(back.palette!.rgb, labels[0]!)).to.deep.equal(entry(vocPalette(), labels[0]!));
      }),
      { numRuns: 20 },
    );
  });

  it('refuses what a palette picture cannot hold', () => {
    const two = Uint8Array.of(1, 2, 3, 4, 5, 6);
    expect(() => labelPicture(Uint16Array.of(256), 1, 1)).to.throw(InputError, /holds classes 0 to 255, got class 256/);
    expect(() => labelPicture(Uint8Array.of(2), 1, 1, two)).to.throw(InputError, /class 2 has no colour/);
    expect(() => labelPicture(Uint8Array.of(2), 1, 1, new Uint8Array(771))).to.throw(InputError, /at most 256 colours/);
    expect(() => labelPicture(Uint8Array.of(0), 1, 1, new Uint8Array(7))).to.throw(InputError, /three values each/);
    expect(() => labelPicture(Uint8Array.of(0), 2, 1)).to.throw(RangeError, /need 2 labels/);
  });
});
