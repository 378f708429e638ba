/** The published segmentation pipelines' numbers as the functions under test take them. */
import type { Context } from 'mocha';
import type { DenseLogits } from '../../../src/segment/dense/logits.js';
import { stitch, type WindowLogits } from '../../../src/segment/dense/stitch.js';
import { padToMultiple } from '../../../src/segment/dense/windows.js';
import { goldenPath, readGolden } from '../../goldens.js';

export const cases = ['a', 'b', 'small'] as const;
export const methods = ['sclip', 'clearclip'] as const;
export type Case = (typeof cases)[number];
export type Method = (typeof methods)[number];

export interface PipelineCase {
  windows: WindowLogits[];
  queries: number;
  input: [number, number];
  output: [number, number];
  /** Any array of this case, by its name after the case. */
  array(name: string): Float32Array;
  classOfQuery: Int32Array;
}

/** Windows of one case with the published patch logits; ClearCLIP's are padded to whole patches. */
export function pipelineCase(test: Context, name: Case, method: Method): PipelineCase {
  const golden = readGolden(goldenPath(test, 'segmentation/pipeline.safetensors'));
  const { shape, data } = golden[`${name}/${method}.window_logits`]!;
  const [, queries, gridHeight, gridWidth] = shape as [number, number, number, number];
  const rectangles = golden[`${name}/windows_y1x1y2x2`]!.data as Int32Array;
  const length = queries * gridHeight * gridWidth;
  const windows = Array.from({ length: rectangles.length / 4 }, (_, i) => {
    const [y1, x1, y2, x2] = rectangles.subarray(4 * i, 4 * i + 4) as unknown as [number, number, number, number];
    const logits = (data as Float32Array).subarray(i * length, (i + 1) * length);
    const padding = method === 'clearclip' ? { padding: padToMultiple(y2 - y1, x2 - x1, 16) } : {};
    return { y1, x1, y2, x2, logits, gridHeight, gridWidth, ...padding };
  });
  return {
    windows,
    queries,
    input: golden[`${name}/resized`]!.shape.slice(0, 2) as [number, number],
    output: golden[`${name}/image`]!.shape.slice(0, 2) as [number, number],
    array: key => golden[`${name}/${key}`]!.data as Float32Array,
    classOfQuery: golden.query_class_index!.data as Int32Array,
  };
}

export const stitchCase = ({ windows, queries, input, output }: PipelineCase): DenseLogits =>
  stitch({
    windows,
    queries,
    inputHeight: input[0],
    inputWidth: input[1],
    outputHeight: output[0],
    outputWidth: output[1],
  });
