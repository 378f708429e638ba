import type { TowerConfig } from '../model/config.js';

/** A weight of a transformer block. */
export interface BlockPart {
  /** Layer and part, as in `fc1.bias`. */
  readonly name: string;
  /** Linear maps as `[in, out]`. */
  readonly shape: readonly number[];
}

/** The weights of a transformer block in the order in which a file has them. */
export function blockParts({ width, mlpWidth }: TowerConfig): BlockPart[] {
  const norm = (name: string): BlockPart[] => [
    { name: `${name}.weight`, shape: [width] },
    { name: `${name}.bias`, shape: [width] },
  ];
  const map = (name: string, inputs: number, outputs: number): BlockPart[] => [
    { name: `${name}.weight`, shape: [inputs, outputs] },
    { name: `${name}.bias`, shape: [outputs] },
  ];
  return [
    ...norm('ln1'),
    ...['q', 'k', 'v', 'out'].flatMap(name => map(name, width, width)),
    ...norm('ln2'),
    ...map('fc1', width, mlpWidth),
    ...map('fc2', mlpWidth, width),
  ];
}
