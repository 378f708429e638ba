/** Data that comes with the package, as Node reads it; a browser has `shipped.browser.ts` in its place. */
import { readFileSync } from 'node:fs';

/** The value in `data/NAME.json`. */
export const shippedJson = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`../../data/${name}.json`, import.meta.url), 'utf8'));
