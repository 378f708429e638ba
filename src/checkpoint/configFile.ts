/** A model's sizes from the JSON file beside its weights: Hugging Face's `config.json`, OpenCLIP's or EVA-CLIP's. */

import { InputError, suggestion } from '../errors.js';
import * as z from '../files/schema.js';
import { type ActivationName, activations, type ClipConfig, type Pooling } from '../model/config.js';
import { isOpenClip, openClipSizes } from './config/openClip.js';
import { count, layerCount, parseWith } from './config/parse.js';

const activation = z.string();

// Defaults are those of transformers' CLIPVisionConfig and CLIPTextConfig, which leaves out what equals them.
const huggingFaceVision = z.object({
  hidden_size: count.default(768),
  intermediate_size: count.default(3072),
  num_hidden_layers: layerCount.default(12),
  num_attention_heads: count.default(12),
  num_channels: z.literal(3).default(3),
  image_size: count.default(224),
  patch_size: count.default(32),
  hidden_act: activation.default('quick_gelu'),
  layer_norm_eps: z.number().positive().default(1e-5),
  projection_dim: count.optional(),
});

const huggingFaceText = z.object({
  hidden_size: count.default(512),
  intermediate_size: count.default(2048),
  num_hidden_layers: layerCount.default(12),
  num_attention_heads: count.default(8),
  vocab_size: count.default(49408),
  max_position_embeddings: count.default(77),
  hidden_act: activation.default('quick_gelu'),
  layer_norm_eps: z.number().positive().default(1e-5),
  projection_dim: count.optional(),
  eos_token_id: z.number().int().default(49407),
});

const huggingFace = z.object({
  model_type: z.string().default('clip'),
  projection_dim: count.default(512),
  vision_config: z.unknown().optional(),
  text_config: z.unknown().optional(),
});

function activationName(name: string, file: string): ActivationName {
  if (Object.hasOwn(activations, name)) return name as ActivationName;
  throw new InputError(`${file}: unknown activation '${name}'${suggestion(name, Object.keys(activations))}`);
}

/**
 * Sizes from a parsed `config.json` (a `CLIPModel`, or one tower with its projection), an `open_clip_config.json`, or a
 * model's configuration as OpenCLIP and EVA-CLIP keep it.
 * @throws InputError when it is neither, or describes something other than a ViT CLIP.
 */
export function parseConfigFile(json: unknown, file: string): ClipConfig {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new InputError(`${file}: expected a JSON object with the model's sizes`);
  }
  const config = isOpenClip(json) ? openClipSizes(json, file) : fromHuggingFace(json, file);
  for (const tower of [config.image, config.text]) {
    if (tower && tower.width % tower.heads !== 0) {
      throw new InputError(`${file}: width ${tower.width} is no multiple of ${tower.heads} heads`);
    }
  }
  if (config.image && config.image.imageSize < config.image.patch) {
    throw new InputError(
      `${file}: image_size ${config.image.imageSize} is smaller than a patch of ${config.image.patch}`,
    );
  }
  const { pooling, vocabulary } = config.text ?? {};
  if (typeof pooling === 'object' && !(pooling.firstOf >= 0 && pooling.firstOf < vocabulary!)) {
    throw new InputError(`${file}: eos_token_id ${pooling.firstOf} is outside the vocabulary of ${vocabulary}`);
  }
  return config;
}

function fromHuggingFace(json: object, file: string): ClipConfig {
  const top = parseWith(huggingFace, json, file);
  const kinds = ['clip', 'clip_vision_model', 'clip_text_model'];
  if (!kinds.includes(top.model_type)) {
    throw new InputError(`${file}: expected model_type 'clip', got '${top.model_type.slice(0, 60)}'`);
  }
  // A tower saved alone has its sizes at the top.
  const visionJson = top.model_type === 'clip_vision_model' ? (top.vision_config ?? json) : top.vision_config;
  const textJson = top.model_type === 'clip_text_model' ? (top.text_config ?? json) : top.text_config;
  const both = top.model_type === 'clip';
  const vision = both || visionJson ? parseWith(huggingFaceVision, visionJson ?? {}, file) : undefined;
  const text = both || textJson ? parseWith(huggingFaceText, textJson ?? {}, file) : undefined;
  return {
    embedding: top.projection_dim,
    ...(vision && {
      image: {
        width: vision.hidden_size,
        layers: vision.num_hidden_layers,
        heads: vision.num_attention_heads,
        mlpWidth: vision.intermediate_size,
        activation: activationName(vision.hidden_act, file),
        layerNormEpsilon: vision.layer_norm_eps,
        patch: vision.patch_size,
        imageSize: vision.image_size,
      },
    }),
    ...(text && {
      text: {
        width: text.hidden_size,
        layers: text.num_hidden_layers,
        heads: text.num_attention_heads,
        mlpWidth: text.intermediate_size,
        activation: activationName(text.hidden_act, file),
        layerNormEpsilon: text.layer_norm_eps,
        context: text.max_position_embeddings,
        vocabulary: text.vocab_size,
        pooling: poolingOf(text.eos_token_id),
      },
    }),
  };
}

/** transformers keeps the largest-id rule for configs with the historical wrong id 2. */
const poolingOf = (eos: number): Pooling => (eos === 2 ? 'largest-id' : { firstOf: eos });
