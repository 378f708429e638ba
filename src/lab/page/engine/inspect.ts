/** A window of the picture through the ordinary tower, looked at in every block: attention patterns and norms. */
import type { Grid } from '../../../attention/attention.js';
import type { Clip } from '../../../model/clip.js';
import type { PositionMode } from '../../../model/positions.js';
import type { Compiled, Values } from '../../../tensor/compile.js';
import type { Runner } from '../../../tensor/runner.js';
import { type Pixels, sqrt, square, sum, type Tensor } from '../../../tensor/tfjs.js';

/** Points whose norms are read, in ClearCLIP's words X_res and X_attn, and what the feed-forward layer adds. */
export const normPoints = ['resid_pre', 'attn_out', 'mlp_out'] as const;

/** What one window's run gives: of each block `[1, h, n, n]`, and of each point of each block `[1, n]`. */
export interface WindowSight {
  readonly patterns: readonly Values[];
  /** By point, then by block. */
  readonly norms: readonly (readonly Values[])[];
}

/** Looks at windows. */
export interface Inspector {
  /** @param pixels `[1, 3, height, width]` */
  look(pixels: Values): Promise<WindowSight>;
  dispose(): Promise<void>;
}

/** Prepares the run; nothing is computed, and no graph made, before the first look. */
export async function openInspector(clip: Clip, { prepare }: Runner, positions: PositionMode): Promise<Inspector> {
  const { layers } = clip.config.image!;
  const blocks = Array.from({ length: layers }, (_, i) => `image.blocks.${i}.`);
  const see = ['attn.pattern', ...normPoints].map(point => `blocks.*.${point}`);
  const length = (x: Tensor) => sqrt(sum(square(x), -1));
  const look: Compiled<{ patterns: Tensor[]; norms: Tensor[][] }> = await prepare(
    (pixels: Pixels) => {
      const { seen } = clip.image(pixels, { see, positions, stop: true });
      return {
        patterns: blocks.map(block => seen[`${block}attn.pattern`]!),
        norms: normPoints.map(point => blocks.map(block => length(seen[block + point]!))),
      };
    },
    [{ shape: [1, 3, 'height', 'width'] }],
  );
  return { look: pixels => look(pixels), dispose: look.dispose };
}

/** Norms at every block of one point. */
export interface NormLines {
  readonly point: (typeof normPoints)[number];
  /** Of the patch that was asked for. */
  readonly patch: readonly number[];
  /** Mean over all patches of the window. */
  readonly mean: readonly number[];
  readonly classToken: readonly number[];
}

/** Where one patch looks, and how long it is, block by block. */
export interface PatchSight {
  readonly layers: number;
  readonly heads: number;
  readonly grid: Grid;
  /** `[layers, heads, patches]`: the patch's row of the pattern without its first value, which is `toClass`. */
  readonly attention: Float32Array;
  /** `[layers, heads]`: how much the patch looks at the class token. */
  readonly toClass: Float32Array;
  readonly norms: readonly NormLines[];
}

/** One patch out of a window. @param patch its index in the grid, row by row */
export function patchSight({ patterns, norms }: WindowSight, grid: Grid, patch: number): PatchSight {
  const layers = patterns.length;
  const [, heads = 0, tokens = 0] = patterns[0]!.shape;
  const patches = tokens - 1;
  const attention = new Float32Array(layers * heads * patches);
  const toClass = new Float32Array(layers * heads);
  patterns.forEach(({ data }, layer) => {
    for (let head = 0; head < heads; head++) {
      const row = (head * tokens + 1 + patch) * tokens;
      const at = layer * heads + head;
      toClass[at] = data[row]!;
      attention.set((data as Float32Array).subarray(row + 1, row + tokens), at * patches);
    }
  });
  const lines = norms.map((blocks, i): NormLines => {
    const mean = ({ data }: Values) => (data as Float32Array).subarray(1).reduce((a, b) => a + b, 0) / patches;
    return {
      point: normPoints[i]!,
      patch: blocks.map(({ data }) => data[1 + patch]!),
      mean: blocks.map(mean),
      classToken: blocks.map(({ data }) => data[0]!),
    };
  });
  return { layers, heads, grid, attention, toClass, norms: lines };
}
