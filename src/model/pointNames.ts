/** Names and shapes of every intermediate of a run, known before it and without weights. */
import type { Grid } from '../attention/attention.js';
import { checkVariant } from './checks.js';
import { gridOf, type ImageConfig, type TextConfig, type TowerConfig } from './config.js';
import { firstChanged, type Variant } from './imageTower.js';
import type { PointShape } from './points.js';

interface BlockParts {
  ffn?: boolean | undefined;
  /** The parts that EVA-02's blocks have besides. */
  eva?: boolean;
}

function blockPoints(
  prefix: string,
  c: TowerConfig,
  b: number,
  n: number,
  { ffn = true, eva = false }: BlockParts,
): PointShape[] {
  const only = (name: string, shape: number[]): [string, number[]][] => (eva ? [[name, shape]] : []);
  const tokens = [b, n, c.width];
  const heads = [b, c.heads, n, c.width / c.heads];
  const pattern = [b, c.heads, n, n];
  const middle = [b, n, c.mlpWidth];
  const shapes: [string, number[]][] = [
    ['resid_pre', tokens],
    ['ln1', tokens],
    ...only('attn.q_unrotated', heads),
    ['attn.q', heads],
    ...only('attn.k_unrotated', heads),
    ['attn.k', heads],
    ['attn.v', heads],
    ['attn.scores', pattern],
    ['attn.pattern', pattern],
    ['attn.z', heads],
    ...only('attn.ln', tokens),
    ['attn_out', tokens],
    ['resid_mid', tokens],
  ];
  if (ffn) {
    shapes.push(
      ['ln2', tokens],
      ['mlp.pre', middle],
      ...only('mlp.up', middle),
      ['mlp.post', middle],
      ...only('mlp.ln', middle),
      ['mlp_out', tokens],
    );
  }
  shapes.push(['resid_post', tokens]);
  return shapes.map(([name, shape]) => ({ name: `${prefix}${name}`, shape }));
}

/**
 * Every point the image tower can visit for an input of this size, in the order of the run. `variant` adds the points
 * of a side path and leaves out what its blocks leave out.
 */
export function imagePoints(
  config: ImageConfig,
  embedding: number,
  {
    batch = 1,
    height = config.imageSize,
    width = config.imageSize,
  }: { batch?: number; height?: number; width?: number } = {},
  variant: Variant = {},
): PointShape[] {
  checkVariant(variant);
  const { rows, columns }: Grid = gridOf(config, height, width);
  const n = 1 + rows * columns;
  const w = config.width;
  const first = firstChanged(config, variant);
  const beside = variant.path === 'side';
  const eva = config.eva !== undefined;
  // Nothing reads what the stream's last block makes beside a path with a class token of its own.
  const end = beside && variant.classToken !== 'stream' ? config.layers - 1 : config.layers;
  const stream = Array.from({ length: end }, (_, i) =>
    blockPoints(`image.blocks.${i}.`, config, batch, n, { eva, ffn: i >= first && !beside ? variant.ffn : true }),
  );
  const side = Array.from({ length: beside ? config.layers - first : 0 }, (_, i) =>
    blockPoints(`image.side.blocks.${first + i}.`, config, batch, n, { eva, ffn: variant.ffn ?? false }),
  );
  return [
    { name: 'image.embed.patch', shape: [batch, n - 1, w] },
    { name: 'image.embed.pos', shape: [batch, n, w] },
    ...(eva ? [] : [{ name: 'image.ln_pre', shape: [batch, n, w] }]),
    ...stream.flat(),
    ...side.flat(),
    { name: 'image.ln_post', shape: [batch, n, w] },
    { name: 'image.tokens', shape: [batch, n, embedding] },
    { name: 'image.pooled', shape: [batch, embedding] },
    { name: 'image.embedding', shape: [batch, embedding] },
  ];
}

/** Every point the text tower visits for sentences of `tokens` tokens, in the order of the run. */
export function textPoints(
  config: TextConfig,
  embedding: number,
  { batch = 1, tokens = config.context }: { batch?: number; tokens?: number } = {},
): PointShape[] {
  const w = config.width;
  return [
    { name: 'text.embed.token', shape: [batch, tokens, w] },
    { name: 'text.embed.pos', shape: [batch, tokens, w] },
    ...Array.from({ length: config.layers }, (_, i) =>
      blockPoints(`text.blocks.${i}.`, config, batch, tokens, {}),
    ).flat(),
    { name: 'text.ln_final', shape: [batch, tokens, w] },
    { name: 'text.tokens', shape: [batch, tokens, embedding] },
    { name: 'text.pooled', shape: [batch, embedding] },
    { name: 'text.embedding', shape: [batch, embedding] },
  ];
}
