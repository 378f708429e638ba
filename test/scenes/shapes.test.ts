/** Shapes against polygons and circles worked out another way: by corners, angles and windings. */
import { expect } from 'chai';
import fc from 'fast-check';
import { cosSin, darkInTexture, insideShape } from '../../src/scenes/shapes.js';
import { type SceneShape, sceneShapes } from '../../src/scenes/world.js';

type Point = readonly [x: number, y: number];

const degree = Math.PI / 180;
/** `count` corners at equal angles, the first at `start` degrees, clockwise as y runs downwards. */
const corners = (count: number, start: number, radius: number): Point[] =>
  Array.from({ length: count }, (_, k) => {
    const angle = (start + (360 * k) / count) * degree;
    return [radius * Math.cos(angle), radius * Math.sin(angle)];
  });

const inner = corners(5, -54, Math.sin(18 * degree) / Math.sin(54 * degree));
const polygons: Partial<Record<SceneShape, readonly Point[]>> = {
  square: corners(4, 45, 1),
  triangle: corners(3, -90, 1),
  star: corners(5, -90, 1).flatMap((tip, k) => [tip, inner[k]!]),
  cross: [
    [-0.31, -0.95],
    [0.31, -0.95],
    [0.31, -0.31],
    [0.95, -0.31],
    [0.95, 0.31],
    [0.31, 0.31],
    [0.31, 0.95],
    [-0.31, 0.95],
    [-0.31, 0.31],
    [-0.95, 0.31],
    [-0.95, -0.31],
    [-0.31, -0.31],
  ],
  diamond: [
    [0, -1],
    [0.7, 0],
    [0, 1],
    [-0.7, 0],
  ],
  hexagon: corners(6, 0, 1),
};

/** The angle by which a walk along the edge turns around the point: a whole turn from inside, none from outside. */
function winding(polygon: readonly Point[], [x, y]: Point): number {
  let turned = 0;
  polygon.forEach(([ax, ay], k) => {
    const [bx, by] = polygon[(k + 1) % polygon.length]!;
    const cross = (ax - x) * (by - y) - (ay - y) * (bx - x);
    turned += Math.atan2(cross, (ax - x) * (bx - x) + (ay - y) * (by - y));
  });
  return turned / (2 * Math.PI);
}

function expected(shape: SceneShape, [x, y]: Point): boolean {
  const polygon = polygons[shape];
  if (polygon) return Math.abs(winding(polygon, [x, y])) > 0.5;
  const r = Math.hypot(x, y);
  if (shape === 'circle') return r < 1;
  if (shape === 'ring') return r < 1 && r > 0.55;
  if (shape === 'crescent') return r < 1 && Math.hypot(x - 0.45, y) > 0.8;
  // The heart in polar form.
  const [across, up] = [1.25 * x, 0.25 - 1.25 * y];
  const [radius, angle] = [Math.hypot(across, up), Math.atan2(up, across)];
  return radius ** 2 - 1 < radius ** (5 / 3) * Math.cbrt(Math.cos(angle) ** 2 * Math.sin(angle) ** 3);
}

describe('shapes of scenes', () => {
  for (const shape of sceneShapes) {
    it(`${shape}: every point of a fine grid is where geometry puts it, none beyond the radius`, () => {
      const inside = insideShape[shape];
      let area = 0;
      const steps = 301;
      for (let j = 0; j < steps; j++) {
        for (let i = 0; i < steps; i++) {
          // An offset that keeps every point off the edges.
          const point = [(2.4 * (i - 150)) / steps + 0.000713, (2.4 * (j - 150)) / steps + 0.000331] as const;
          const is = inside(...point);
          const wrong = is !== expected(shape, point) || (is && Math.hypot(...point) >= 1);
          if (wrong) throw new Error(`${shape} at ${point}: ${is}`);
          area += Number(is);
        }
      }
      expect(area, 'points inside').to.be.above(8000);
    });
  }

  it('reach their radius somewhere, so that a radius means the same for each', () => {
    for (const shape of sceneShapes) {
      let reach = 0;
      for (let angle = 0; angle < 360; angle += 0.05) {
        for (let r = 0.9; r <= 1; r += 0.002) {
          if (insideShape[shape](r * Math.cos(angle * degree), r * Math.sin(angle * degree)))
            reach = Math.max(reach, r);
        }
      }
      expect(reach, shape).to.be.above(0.98);
    }
  });

  it('are turned by the cosine and sine of the angle', () => {
    fc.assert(
      fc.property(fc.double({ min: -0.35, max: 0.35, noNaN: true }), angle => {
        const [cos, sin] = cosSin(angle);
        return Math.abs(cos - Math.cos(angle)) < 3e-16 && Math.abs(sin - Math.sin(angle)) < 3e-16;
      }),
    );
  });
});

describe('textures of scenes', () => {
  const shareOf = (dark: (x: number, y: number) => boolean): number => {
    let count = 0;
    for (let y = -63; y < 63; y += 0.25) for (let x = -63; x < 63; x += 0.25) count += Number(dark(x + 0.1, y + 0.1));
    return count / (126 * 4) ** 2;
  };

  it('darken the share of the plane that their pattern says', () => {
    expect(shareOf(darkInTexture.plain)).to.equal(0);
    expect(shareOf(darkInTexture.striped)).to.be.closeTo(0.5, 0.01);
    expect(shareOf(darkInTexture.checkered)).to.be.closeTo(0.5, 0.01);
    expect(shareOf(darkInTexture.dotted)).to.be.closeTo((Math.PI * 2.3 ** 2) / 49, 0.01);
  });

  it('repeat: stripes across x alone, dots on a grid, checks in both', () => {
    fc.assert(
      fc.property(fc.integer({ min: -400, max: 400 }), fc.integer({ min: -400, max: 400 }), (i, j) => {
        const [x, y] = [i / 8 + 0.03, j / 8 + 0.03];
        expect(darkInTexture.striped(x + 7, y + 1.3)).to.equal(darkInTexture.striped(x, y));
        expect(darkInTexture.striped(x + 3.5, y)).to.equal(!darkInTexture.striped(x, y));
        expect(darkInTexture.dotted(x + 7, y - 7)).to.equal(darkInTexture.dotted(x, y));
        expect(darkInTexture.checkered(x + 4.5, y)).to.equal(!darkInTexture.checkered(x, y));
        expect(darkInTexture.checkered(x + 4.5, y - 4.5)).to.equal(darkInTexture.checkered(x, y));
      }),
    );
  });
});
