/** From a function of tensors to files that any ONNX runtime runs. */
import { realpathSync, rmSync } from 'node:fs';
import { basename, dirname, isAbsolute } from 'node:path';
import { InputError } from '../errors.js';
import { checkWritable, writeAtomic } from '../files/atomic.js';
import { type CompileOptions, checkName, type SeeOptions, type TensorsOf } from './compile.js';
import { quantizations } from './names.js';
import { inFiles, pathFrom } from './trace/filePaths.js';
import { dimName, type ElementType, type Graph, type Value } from './trace/graph.js';
import { lowered, recordGraph } from './trace/model.js';
import { dataFile } from './trace/onnx/dataFile.js';
import { type Placement, writeOnnx } from './trace/onnx/write.js';
import { seeing } from './trace/see.js';
import { checkFunction, checkSignature, type InputSpec, liftedSpecs, namedSizes } from './trace/signature.js';
import type { Structure } from './trace/structure.js';
import { fileSlices } from './trace/weightFiles.js';

export interface ExportOptions extends Pick<CompileOptions, 'lift' | 'quantize'>, Partial<Pick<SeeOptions, 'see'>> {
  /**
   * `copy` (default): weights go into a file beside the model, `NAME.onnx.data`. `refer`: those that lie in a
   * safetensors file stay there, and the model must be written beside that file or in a folder above.
   */
  weights?: (typeof weightPlaces)[number];
}

const weightPlaces = ['copy', 'refer'] as const;

/** An input or output of an exported model. */
export interface PortInfo {
  readonly name: string;
  readonly dtype: ElementType;
  /** Sizes; `batch` is free, and what is computed from it says how, as in `2 batch + 1`. */
  readonly shape: readonly (number | string)[];
}

export interface Exported {
  readonly inputs: readonly PortInfo[];
  readonly outputs: readonly PortInfo[];
  /** Of all files written. */
  readonly bytes: number;
}

/**
 * Writes a function as an ONNX model, and its weights beside it: the graph that `compile` would run. Both files appear
 * whole or not at all.
 *
 *     await exportModel(x => clip.image(x).embedding, [{ shape: ['batch', 3, 224, 224] }], 'image.onnx');
 *
 * @param path where the model goes, `….onnx`.
 * @throws InputError when the function cannot be recorded, a size other than the batch is a name, or the files cannot
 * be written there.
 */
export async function exportModel<const S extends readonly InputSpec[], R extends Structure>(
  fn: (...inputs: TensorsOf<S>) => R,
  signature: S,
  path: string,
  options: ExportOptions = {},
): Promise<Exported> {
  const { lift = [], see, quantize, weights = 'copy' } = options;
  checkFunction(fn);
  checkSignature(signature);
  checkSignature([...signature, ...liftedSpecs(lift)]);
  checkName('export', 'weights', weights, weightPlaces);
  if (quantize !== undefined) checkName('export', 'quantize', quantize, quantizations);
  const [named] = namedSizes(signature);
  if (named !== undefined) throw new InputError(`export: expected a number for '${named}': a file has one size`);
  // A slip of the hand must not replace a file of weights.
  if (!path.endsWith('.onnx'))
    throw new InputError(`${path}: expected a name that ends in .onnx for an exported model`);
  const dataPath = `${path}.data`;
  for (const file of [path, dataPath]) checkWritable(file);

  const recording = await recordGraph(see ? seeing(fn as never, see) : (fn as never), signature, {}, lift);
  const graph = await lowered(recording.graph, { quantize, target: 'any' });
  const folder = realpathSync(dirname(path));
  if (weights === 'refer') checkBelow(graph, folder, path);
  const referred: Placement = weights === 'refer' ? inFiles(folder) : () => undefined;
  const data = dataFile(graph, basename(dataPath), value => !referred(value));
  const model = await writeOnnx(graph, value => referred(value) ?? data.placement(value));
  // Either file is whole before one of them appears, and the model, without which the other means nothing, comes last.
  writeAtomic(path, write => {
    write(model);
    if (data.length > 0) writeAtomic(dataPath, data.content);
  });
  // What an earlier model left there belongs to nothing any more.
  if (data.length === 0) rmSync(dataPath, { force: true });
  return {
    inputs: graph.inputs.map(value => portInfo((value.source as { name: string }).name, value)),
    outputs: graph.outputs.map(({ name, value }) => portInfo(name, value)),
    bytes: model.length + data.length,
  };
}

const portInfo = (name: string, { dtype, shape }: Value): PortInfo => ({
  name,
  dtype,
  shape: shape.map(size => (typeof size === 'number' ? size : dimName(size))),
});

/** Runtimes follow no reference that leads out of the model's folder. */
function checkBelow(graph: Graph, folder: string, path: string): void {
  for (const slice of fileSlices(graph)) {
    const reference = pathFrom(folder, slice.path);
    if (!reference.startsWith('../') && !isAbsolute(reference)) continue;
    const mend = `write it to ${dirname(realpathSync(slice.path))} or above, or let its weights be copied`;
    throw new InputError(`${path}: a model here cannot refer to ${slice.path}; ${mend}`);
  }
}
