/** A model's sizes from the JSON file beside its weights: Hugging Face's `config.json`, or OpenCLIP's. */

import { InputError, suggestion } from '../errors.js';
import * as z from '../files/schema.js';
import { type ActivationName, activations, type ClipConfig, type Pooling } from '../model/config.js';

const count = z.number().int().positive().max(1_000_000);
// The largest published tower has 48; names are made for every layer before the weights are looked at.
const layerCount = count.max(1000);
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

/** One number for both sides, or a pair of equal ones. */
const side = z.union([
  count,
  z.tuple([count, count]).refine(([height, width]) => height === width, 'expected a square'),
]);
const normSettings = z.object({ eps: z.number().positive().default(1e-5) }).nullish();

const openClip = z.object({
  model_cfg: z.object({
    embed_dim: count,
    quick_gelu: z.boolean().default(false),
    vision_cfg: z.looseObject({
      image_size: side.default(224),
      layers: z.union([layerCount, z.array(z.number())]).default(12),
      width: count.default(768),
      head_width: count.default(64),
      mlp_ratio: z.number().positive().default(4),
      patch_size: side.default(16),
      norm_kwargs: normSettings,
    }),
    text_cfg: z.looseObject({
      context_length: count.default(77),
      vocab_size: count.default(49408),
      width: count.default(512),
      heads: count.default(8),
      layers: layerCount.default(12),
      mlp_ratio: z.number().positive().default(4),
      norm_kwargs: normSettings,
    }),
  }),
});

/** Parses with a schema. @throws InputError naming the file, the field and what was expected there. */
export function parseWith<T>(schema: z.ZodType<T>, value: unknown, file: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  const field = issue.path.join('.') || 'the file';
  throw new InputError(`${file}: ${field}: ${issue.message}`);
}

function activationName(name: string, file: string): ActivationName {
  if (Object.hasOwn(activations, name)) return name as ActivationName;
  throw new InputError(`${file}: unknown activation '${name}'${suggestion(name, Object.keys(activations))}`);
}

/**
 * Sizes from a parsed `config.json` (a `CLIPModel`, or one tower with its projection) or `open_clip_config.json`.
 * @throws InputError when it is neither, or describes something other than a ViT CLIP.
 */
export function parseConfigFile(json: unknown, file: string): ClipConfig {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new InputError(`${file}: expected a JSON object with the model's sizes`);
  }
  const config = 'model_cfg' in json ? fromOpenClip(json, file) : fromHuggingFace(json, file);
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

/** Settings of OpenCLIP under which the tower is another network. */
const otherNetworks: [string, (cfg: Record<string, unknown>) => boolean][] = [
  ['a timm image tower', cfg => Boolean(cfg.timm_model_name)],
  ['a ResNet image tower', cfg => Array.isArray(cfg.layers)],
  ['a text tower from transformers', cfg => Boolean(cfg.hf_model_name)],
  ['LayerScale', cfg => cfg.ls_init_value != null],
  ['an attention pool', cfg => Boolean(cfg.attentional_pool)],
  ['no class token pooling', cfg => cfg.pool_type !== undefined && !['tok', 'argmax'].includes(String(cfg.pool_type))],
  ['no class token pooling', cfg => Boolean(cfg.global_average_pool)],
  ['no pre-normalisation', cfg => Boolean(cfg.no_ln_pre)],
  ['a class token in the text', cfg => Boolean(cfg.embed_cls)],
  ['a text tower that looks ahead', cfg => Boolean(cfg.no_causal_mask)],
  ['a variant of GELU', cfg => Object.keys(cfg.act_kwargs ?? {}).length > 0],
  ['sine positions', cfg => cfg.pos_embed_type !== undefined && cfg.pos_embed_type !== 'learnable'],
];

function fromOpenClip(json: object, file: string): ClipConfig {
  const { model_cfg: model } = parseWith(openClip, json, file);
  const { vision_cfg: vision, text_cfg: text } = model;
  for (const cfg of [vision, text]) {
    const other = otherNetworks.find(([, test]) => test(cfg))?.[0];
    if (other) throw new InputError(`${file}: expected a ViT CLIP, got one with ${other}`);
  }
  const one = (size: number | [number, number]) => (typeof size === 'number' ? size : size[0]);
  const activation = model.quick_gelu ? 'quick_gelu' : 'gelu';
  return {
    embedding: model.embed_dim,
    image: {
      activation,
      layerNormEpsilon: vision.norm_kwargs?.eps ?? 1e-5,
      width: vision.width,
      layers: vision.layers as number,
      heads: Math.floor(vision.width / vision.head_width),
      mlpWidth: Math.floor(vision.width * vision.mlp_ratio),
      patch: one(vision.patch_size),
      imageSize: one(vision.image_size),
    },
    text: {
      activation,
      layerNormEpsilon: text.norm_kwargs?.eps ?? 1e-5,
      width: text.width,
      layers: text.layers,
      heads: text.heads,
      mlpWidth: Math.floor(text.width * text.mlp_ratio),
      context: text.context_length,
      vocabulary: text.vocab_size,
      pooling: 'largest-id',
    },
  };
}
