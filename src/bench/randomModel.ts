/** Full-size ViT-B/16 CLIPs with seeded random weights: the same seed gives the same bytes everywhere. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromFloat32, tensorBytes } from '../files/dtype.js';
import { type TensorToWrite, writeSafetensors } from '../files/safetensors/write.js';
import { type ClipConfig, configByName, type TowerConfig } from '../model/config.js';
import { storedShape } from '../model/weights/checkpoint.js';
import { entryOf, huggingFace, openAi } from '../model/weights/dialects.js';
import { rolesOf } from '../model/weights/roles.js';
import { fillNormal, seedFor } from './random.js';

export interface RandomModel {
  seed?: number;
  /** The image tower and its projection alone, 345 MB instead of 598. */
  visionOnly?: boolean;
  /** OpenAI's names, with q, k and v packed; without config files, as its checkpoints come. */
  layout?: 'huggingface' | 'openai';
  dtype?: 'F32' | 'F16';
}

/** The folder (or OpenAI-like file) of such a model under the system's temporary folder, made when it is not there. */
export function randomVitB16(model: RandomModel = {}): string {
  const { seed = 1, visionOnly = false, layout = 'huggingface', dtype = 'F32' } = model;
  const parts = ['vit-b16', visionOnly ? 'vision' : 'both', layout, dtype.toLowerCase(), `seed${seed}`];
  const folder = join(tmpdir(), 'clipscope-bench', parts.join('-'));
  if (!existsSync(join(folder, 'model.safetensors'))) writeVitB16(folder, model);
  return layout === 'openai' ? join(folder, 'model.safetensors') : folder;
}

/** Writes the model, one tensor at a time in memory. */
export function writeVitB16(folder: string, model: RandomModel = {}): void {
  const { seed = 1, visionOnly = false, layout = 'huggingface', dtype = 'F32' } = model;
  const { text, ...rest } = configByName('ViT-B/16');
  const config: ClipConfig = visionOnly ? rest : { ...rest, text: text! };
  mkdirSync(folder, { recursive: true });
  if (layout === 'huggingface') {
    writeJson(join(folder, 'config.json'), huggingFaceConfig(config, dtype));
    writeJson(join(folder, 'preprocessor_config.json'), preprocessor(config.image!.imageSize));
  }
  writeSafetensors(join(folder, 'model.safetensors'), tensorsOf(config, seed, layout, dtype));
}

function tensorsOf(
  config: ClipConfig,
  seed: number,
  layout: NonNullable<RandomModel['layout']>,
  dtype: NonNullable<RandomModel['dtype']>,
): Map<string, TensorToWrite> {
  const dialect = layout === 'openai' ? openAi : huggingFace;
  const parts = new Map<string, { roles: string[]; shape: readonly number[]; turned: boolean }>();
  for (const [role, shape] of rolesOf(config)) {
    const { theirs, form } = entryOf(dialect, role);
    const known = parts.get(theirs);
    if (known) known.roles.push(role);
    else parts.set(theirs, { roles: [role], shape: storedShape(shape, form), turned: form === 'transposed' });
  }
  const tensors = new Map<string, TensorToWrite>();
  for (const [name, { roles, shape, turned }] of parts) {
    const bytes = () => {
      const values = new Float32Array(tensorBytes('F32', shape)! / 4);
      const size = values.length / roles.length;
      roles.forEach((role, i) => {
        fillRole(values.subarray(i * size, (i + 1) * size), role, seed);
      });
      return fromFloat32(dtype, turned ? transposed(values, shape[0]!, shape[1]!) : values);
    };
    tensors.set(name, { dtype, shape, bytes });
  }
  return tensors;
}

/** Scales that keep activations as large as in trained towers: gains about 1, small biases, weights of 0.03. */
function fillRole(values: Float32Array, role: string, seed: number): void {
  if (role === 'logitScale') {
    values[0] = 4.6052;
    return;
  }
  fillNormal(values, seedFor(role, seed));
  const isNorm = /\.(ln\w+)\.(weight|bias)$/.test(role);
  const centre = isNorm && role.endsWith('.weight') ? 1 : 0;
  const scale = isNorm ? 0.1 : role.endsWith('.bias') ? 0.02 : 0.03;
  for (let i = 0; i < values.length; i++) values[i] = centre + scale * values[i]!;
}

/** `[columns, rows]` values as `[rows, columns]`. */
function transposed(values: Float32Array, rows: number, columns: number): Float32Array {
  const out = new Float32Array(values.length);
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) out[r * columns + c] = values[c * rows + r]!;
  return out;
}

const writeJson = (path: string, value: unknown) => writeFileSync(path, `${JSON.stringify(value, null, 2)}\n`);

const towerJson = (c: TowerConfig, embedding: number) => ({
  hidden_size: c.width,
  intermediate_size: c.mlpWidth,
  num_hidden_layers: c.layers,
  num_attention_heads: c.heads,
  hidden_act: c.activation,
  layer_norm_eps: c.layerNormEpsilon,
  projection_dim: embedding,
});

function huggingFaceConfig({ image, text, embedding }: ClipConfig, dtype: string): object {
  const vision = { ...towerJson(image!, embedding), image_size: image!.imageSize, patch_size: image!.patch };
  const common = { projection_dim: embedding, torch_dtype: dtype === 'F16' ? 'float16' : 'float32' };
  if (!text) {
    const architectures = ['CLIPVisionModelWithProjection'];
    return { architectures, model_type: 'clip_vision_model', ...vision, ...common };
  }
  const tokens = { vocab_size: text.vocabulary, max_position_embeddings: text.context, eos_token_id: 49407 };
  return {
    architectures: ['CLIPModel'],
    model_type: 'clip',
    ...common,
    vision_config: { model_type: 'clip_vision_model', ...vision },
    text_config: { model_type: 'clip_text_model', ...towerJson(text, embedding), ...tokens, bos_token_id: 49406 },
  };
}

const preprocessor = (size: number) => ({
  do_resize: true,
  size: { shortest_edge: size },
  resample: 3,
  do_center_crop: true,
  crop_size: { height: size, width: size },
  do_rescale: true,
  rescale_factor: 1 / 255,
  do_normalize: true,
  image_mean: [0.48145466, 0.4578275, 0.40821073],
  image_std: [0.26862954, 0.26130258, 0.27577711],
  do_convert_rgb: true,
  feature_extractor_type: 'CLIPFeatureExtractor',
});
