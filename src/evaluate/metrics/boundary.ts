/**
 * Boundary regions, of Cheng et al., "Boundary IoU: Improving Object-Centric Image Segmentation Evaluation" (CVPR 2021):
 * the pixels of a class within a few pixels of where it ends. A wrong contour weighs as much in a large object as in a
 * small one.
 */

/** Width of a boundary region as a share of the image's diagonal: the paper's choice. */
export const boundaryRatio = 0.02;

/**
 * Width of an image's boundary regions in pixels: 2 % of its diagonal, at least 1. Halves go to the even number, as in the
 * authors' Python; 375 x 500 has a diagonal of 625 and so 12 pixels, not 13.
 */
export function boundaryWidth(height: number, width: number): number {
  const exact = boundaryRatio * Math.sqrt(height ** 2 + width ** 2);
  const below = Math.floor(exact);
  const up = exact - below > 0.5 || (exact - below === 0.5 && below % 2 === 1);
  return Math.max(1, up ? below + 1 : below);
}

/**
 * Which pixels lie in the boundary region of their own label: those that are lost when the mask of that label is eroded
 * `reach` times by a square of 3 x 3, the outside of the image being no label. For all labels at once: a pixel is kept
 * where the square of `2 reach + 1` around it holds one label, which is so where that many rows in turn hold it, each
 * within a run that goes on for `reach` pixels to both sides. One pass, whatever the reach and the number of labels.
 * @param labels `height x width`, row by row
 * @returns 1 in a boundary region, 0 inside
 */
export function boundaryRegions(labels: ArrayLike<number>, height: number, width: number, reach: number): Uint8Array {
  const regions = new Uint8Array(height * width).fill(1);
  // Of each column, how many rows up to this one hold one label with `reach` pixels of it to both sides.
  const rows = new Uint32Array(width);
  for (let y = 0, start = 0; y < height; y++, start += width) {
    for (let from = 0, to = 0; from < width; from = to) {
      const label = labels[start + from]!;
      for (to = from + 1; to < width && labels[start + to] === label; ) to++;
      const first = Math.min(from + reach, to);
      const end = Math.max(first, to - reach);
      rows.fill(0, from, first).fill(0, end, to);
      for (let x = first; x < end; x++) {
        const count = labels[start - width + x] === label ? rows[x]! + 1 : 1;
        rows[x] = count;
        if (count > 2 * reach) regions[start - reach * width + x] = 0;
      }
    }
  }
  return regions;
}
