/**
 * The angle between two vectors of unit length in degrees, from the lengths of their difference and their sum:
 * `2 atan2(|a - b|, |a + b|)`, by Kahan, because the arc cosine loses half of the digits near 0 and 180.
 */
export const angleOf = (apart: number, together: number): number => (360 / Math.PI) * Math.atan2(apart, together);
