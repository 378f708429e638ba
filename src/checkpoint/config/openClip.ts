/** A model's sizes from OpenCLIP's JSON, which EVA-CLIP has extended. */
import { InputError } from '../../errors.js';
import * as z from '../../files/schema.js';
import { type ClipConfig, evaDefaults, type ImageConfig } from '../../model/config.js';
import { count, layerCount, parseWith } from './parse.js';

/** One number for both sides, or a pair of equal ones. */
const side = z.union([
  count,
  z.tuple([count, count]).refine(([height, width]) => height === width, 'expected a square'),
]);
const normSettings = z.object({ eps: z.number().positive().optional() }).nullish();

const model = z.object({
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
    // Without it the tower is OpenCLIP's own; the rest says which EVA it is.
    eva_model_name: z.string().nullish(),
    rope: z.boolean().default(false),
    pt_hw_seq_len: count.default(16),
    intp_freq: z.boolean().default(false),
    naiveswiglu: z.boolean().default(false),
    subln: z.boolean().default(false),
    postnorm: z.boolean().default(false),
    qkv_bias: z.boolean().default(true),
  }),
  text_cfg: z
    .looseObject({
      context_length: count.default(77),
      vocab_size: count.default(49408),
      width: count.default(512),
      heads: count.default(8),
      layers: layerCount.default(12),
      mlp_ratio: z.number().positive().default(4),
      norm_kwargs: normSettings,
    })
    .optional(),
});

type VisionConfig = z.infer<typeof model>['vision_cfg'];

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
  ['a text tower that looks ahead', cfg => Boolean(cfg.no_causal_mask) || cfg.attn_mask === false],
  ['a variant of GELU', cfg => Object.keys(cfg.act_kwargs ?? {}).length > 0],
  ['sine positions', cfg => cfg.pos_embed_type !== undefined && cfg.pos_embed_type !== 'learnable'],
];

/** Settings of EVA-CLIP under which the tower is not that of EVA02-CLIP. */
const otherEvas: [string, (cfg: VisionConfig) => boolean][] = [
  ['no rotary positions', cfg => !cfg.rope],
  ['rotary positions that no other grid may have', cfg => !cfg.intp_freq],
  ['no SwiGLU', cfg => !cfg.naiveswiglu],
  ['no normalisation inside attention and feed-forward', cfg => !cfg.subln],
  ['normalisation after the residual branches', cfg => cfg.postnorm],
  ['no biases of queries and values', cfg => !cfg.qkv_bias],
];

/** Whether a parsed JSON file is OpenCLIP's: for its hub, or a model's configuration alone, as EVA-CLIP has it too. */
export const isOpenClip = (json: object): boolean => 'model_cfg' in json || 'vision_cfg' in json;

/** @throws InputError naming the field that is out of range, or the kind of network that is not supported. */
export function openClipSizes(json: object, file: string): ClipConfig {
  const { embed_dim, quick_gelu, vision_cfg, text_cfg } =
    'model_cfg' in json
      ? parseWith(z.object({ model_cfg: model }), json, file).model_cfg
      : parseWith(model, json, file);
  for (const cfg of [vision_cfg, text_cfg ?? {}]) {
    const other = otherNetworks.find(([, test]) => test(cfg))?.[0];
    if (other) throw new InputError(`${file}: expected a ViT CLIP, got one with ${other}`);
  }
  const activation = quick_gelu ? 'quick_gelu' : 'gelu';
  return {
    embedding: embed_dim,
    image: { ...imageSizes(vision_cfg), activation, ...(vision_cfg.eva_model_name && evaTraits(vision_cfg, file)) },
    ...(text_cfg && {
      text: {
        activation,
        layerNormEpsilon: text_cfg.norm_kwargs?.eps ?? 1e-5,
        width: text_cfg.width,
        layers: text_cfg.layers,
        heads: text_cfg.heads,
        mlpWidth: Math.floor(text_cfg.width * text_cfg.mlp_ratio),
        context: text_cfg.context_length,
        vocabulary: text_cfg.vocab_size,
        pooling: 'largest-id',
      },
    }),
  };
}

function imageSizes({ width, layers, norm_kwargs, ...cfg }: VisionConfig) {
  const one = (size: number | [number, number]) => (typeof size === 'number' ? size : size[0]);
  return {
    layerNormEpsilon: norm_kwargs?.eps ?? 1e-5,
    width,
    layers: layers as number,
    heads: Math.floor(width / cfg.head_width),
    mlpWidth: Math.floor(width * cfg.mlp_ratio),
    patch: one(cfg.patch_size),
    imageSize: one(cfg.image_size),
  };
}

function evaTraits(cfg: VisionConfig, file: string): Pick<ImageConfig, 'activation' | 'layerNormEpsilon' | 'eva'> {
  const other = otherEvas.find(([, test]) => test(cfg))?.[0];
  if (other) throw new InputError(`${file}: expected the image tower of EVA02-CLIP, got an EVA with ${other}`);
  if (cfg.head_width % 4 > 0) {
    throw new InputError(
      `${file}: head_width: expected a multiple of 4 for rotary positions in rows and columns, got ${cfg.head_width}`,
    );
  }
  const { activation, layerNormEpsilon } = evaDefaults;
  return {
    activation,
    layerNormEpsilon: cfg.norm_kwargs?.eps ?? layerNormEpsilon,
    eva: { rotaryGrid: cfg.pt_hw_seq_len },
  };
}
