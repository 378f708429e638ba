/** The image tower as candidates: ours, and the peers' on the same weights and pixels. */
import { against, type Bench, isAbsent, ours } from '../bench.js';
import type { Timing } from '../interleave.js';
import type { Absent, Lane } from '../lane.js';
import { unitRows } from '../statistics.js';
import type { ImageGiven } from '../tasks/image.js';

/** The export run by our own runtime is the one that counts. */
export const imagePeers = ['onnxruntime', 'transformers.js', 'pytorch'] as const;
export type ImagePeer = (typeof imagePeers)[number];

/** The name of the row of a peer. */
export const rowOf = (row: string, peer: ImagePeer): string => (peer === 'onnxruntime' ? row : `${row}/${peer}`);

/** The rows of the other peers. */
export const furtherRows = (row: string): string[] =>
  imagePeers.filter(peer => peer !== 'onnxruntime').map(peer => rowOf(row, peer));

export interface ImageOptions extends Partial<Omit<ImageGiven, 'model' | 'input' | 'threads'>> {
  readonly fresh?: boolean;
}

/** Our image tower; an embedding of one image unless told otherwise. */
export const ourImage = ({ model, input, threads }: Bench, options: ImageOptions = {}): Lane =>
  ours({ task: 'image', model, input, threads, batch: 1, output: 'embedding', ...options });

/** A peer's embeddings. */
export async function peerImage(
  bench: Bench,
  peer: ImagePeer,
  { batch = 1, fresh = false }: Pick<ImageOptions, 'batch' | 'fresh'> = {},
): Promise<Lane | Absent> {
  const { peers, modelFolder, image, input, threads } = bench;
  const given = { side: image.imageSize, input, batch, threads, fresh };
  if (peer === 'pytorch') {
    return against(bench, ({ python }) => python('pytorch_image.py', { ...given, model: modelFolder }));
  }
  const exported = await peers?.exported(bench.model);
  if (exported && isAbsent(exported)) return exported;
  const folder = exported?.folder;
  return against(bench, ({ node }) =>
    peer === 'onnxruntime'
      ? node('onnxruntime.mjs', { ...given, file: `${folder}/onnx/vision_model.onnx` })
      : node('transformers.mjs', { ...given, folder }),
  );
}

/** Peers give embeddings as they come, ours are of unit length. */
export const atUnitLength = (timing: Timing | Absent, { embedding }: Bench): Timing | Absent =>
  isAbsent(timing) ? timing : { ...timing, output: unitRows(timing.output, embedding) };
