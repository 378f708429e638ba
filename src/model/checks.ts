/** What calls of a model are held against before anything runs. */
import { InputError } from '../errors.js';
import { isRecording } from '../tensor/composite.js';
import type { Pixels } from '../tensor/tfjs.js';
import type { BlockOptions } from './block.js';
import { checkAttention, gridOf, type ImageConfig } from './config.js';
import type { Variant } from './imageTower.js';

export function checkPixels(config: ImageConfig, { shape, dtype }: Pixels): void {
  if (shape.length !== 4 || shape[0] === 0 || shape[1] !== 3) {
    throw new InputError(`image: expected pixels [batch, 3, height, width], got [${shape}]`);
  }
  if (dtype !== 'float32') throw new InputError(`image: expected normalised pixels as float32, got ${dtype}`);
  const [batch, , height, width] = shape;
  const grid = gridOf(config, height, width);
  if (!isRecording()) checkAttention('image', config, batch, grid, 'use smaller images, or fewer at once');
}

export function checkVariants(where: string, variants: readonly Variant[]): void {
  if (variants.length === 0) throw new InputError(`${where}: expected at least one variant, got none`);
  for (const variant of variants) checkVariant(variant);
}

/** @throws InputError for a variant that no run of the tower can do. */
export function checkVariant({ blocks = 1, residual, guide }: Variant): void {
  if (guide !== undefined) {
    throw new InputError('last: this method decides something between two runs of the last block; use segment');
  }
  if (!Number.isInteger(blocks) || blocks < 1) {
    throw new InputError(`last: expected a whole number of blocks from 1 up, got ${blocks}`);
  }
  checkResidual('last', residual);
}

function checkResidual(where: string, residual: BlockOptions['residual']): void {
  if (typeof residual === 'object' && (residual.rank !== 0 || residual.dtype !== 'float32')) {
    const got = `${residual.dtype} [${residual.shape}]`;
    throw new InputError(`${where}: expected a factor for the residual as a float32 tensor of rank 0, got ${got}`);
  }
  if (typeof residual !== 'number' || Number.isFinite(residual)) return;
  throw new InputError(`${where}: expected a finite factor for the residual, got ${residual}`);
}

export function checkBlocks(blocks: Readonly<Record<number, BlockOptions>> = {}, layers: number): void {
  for (const [index, { residual }] of Object.entries(blocks)) {
    if (!/^\d+$/.test(index) || Number(index) >= layers) {
      throw new InputError(`blocks: expected indices 0 to ${layers - 1}, got '${index}'`);
    }
    checkResidual(`blocks: ${index}`, residual);
  }
}
