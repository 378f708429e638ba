/** What OpenAI, OpenCLIP, Hugging Face and EVA-CLIP call each weight: one table a dialect, nothing else knows their names. */
import { InputError } from '../../errors.js';
import type { ClipConfig } from '../config.js';

/**
 * How a role lies in the dialect's tensor: as it is; with axes of 1 before its own, three in all; transposed; or one
 * third of its rows (OpenAI stores q, k and v as one matrix).
 */
export type Form = 'same' | 'three axes' | 'transposed' | 'first third' | 'second third' | 'last third';

/** Which third of its tensor's rows a role is, from 0; undefined for all of them. */
export function thirdOf(form: Form): number | undefined {
  const third = ['first third', 'second third', 'last third'].indexOf(form);
  return third < 0 ? undefined : third;
}

interface Entry {
  theirs: string;
  form: Form;
}

export interface Dialect {
  readonly name: 'openai' | 'open_clip' | 'huggingface' | 'eva_clip';
  /** Role, with `{i}` for a block's number, to the dialect's tensor. */
  readonly table: Readonly<Record<string, Entry>>;
}

const same = (theirs: string): Entry => ({ theirs, form: 'same' });
const pair = (role: string, theirs: string): Record<string, Entry> => ({
  [`${role}.weight`]: same(`${theirs}.weight`),
  [`${role}.bias`]: same(`${theirs}.bias`),
});

const thirds: [string, Form][] = [
  ['q', 'first third'],
  ['k', 'second third'],
  ['v', 'last third'],
];

function openAiBlocks(role: string, theirs: string): Record<string, Entry> {
  const packed: Record<string, Entry> = {};
  for (const [part, form] of thirds) {
    packed[`${role}.attn.${part}.weight`] = { theirs: `${theirs}.attn.in_proj_weight`, form };
    packed[`${role}.attn.${part}.bias`] = { theirs: `${theirs}.attn.in_proj_bias`, form };
  }
  return {
    ...packed,
    ...pair(`${role}.ln1`, `${theirs}.ln_1`),
    ...pair(`${role}.attn.out`, `${theirs}.attn.out_proj`),
    ...pair(`${role}.ln2`, `${theirs}.ln_2`),
    ...pair(`${role}.mlp.fc1`, `${theirs}.mlp.c_fc`),
    ...pair(`${role}.mlp.fc2`, `${theirs}.mlp.c_proj`),
  };
}

const openAiImage: Record<string, Entry> = {
  'image.classToken': same('visual.class_embedding'),
  'image.patch.weight': same('visual.conv1.weight'),
  'image.positions': same('visual.positional_embedding'),
  ...pair('image.lnPre', 'visual.ln_pre'),
  ...openAiBlocks('image.blocks.{i}', 'visual.transformer.resblocks.{i}'),
  ...pair('image.lnPost', 'visual.ln_post'),
  'image.projection': { theirs: 'visual.proj', form: 'transposed' },
};

/** OpenAI's names; `prefix` is what stands before those of the text tower (OpenCLIP's `CustomTextCLIP`: `text.`). */
function openAiText(prefix: string): Record<string, Entry> {
  return {
    'text.table': same(`${prefix}token_embedding.weight`),
    'text.positions': same(`${prefix}positional_embedding`),
    ...openAiBlocks('text.blocks.{i}', `${prefix}transformer.resblocks.{i}`),
    ...pair('text.lnFinal', `${prefix}ln_final`),
    'text.projection': { theirs: `${prefix}text_projection`, form: 'transposed' },
    logitScale: same('logit_scale'),
  };
}

function huggingFaceBlocks(role: string, theirs: string): Record<string, Entry> {
  return {
    ...pair(`${role}.ln1`, `${theirs}.layer_norm1`),
    ...pair(`${role}.attn.q`, `${theirs}.self_attn.q_proj`),
    ...pair(`${role}.attn.k`, `${theirs}.self_attn.k_proj`),
    ...pair(`${role}.attn.v`, `${theirs}.self_attn.v_proj`),
    ...pair(`${role}.attn.out`, `${theirs}.self_attn.out_proj`),
    ...pair(`${role}.ln2`, `${theirs}.layer_norm2`),
    ...pair(`${role}.mlp.fc1`, `${theirs}.mlp.fc1`),
    ...pair(`${role}.mlp.fc2`, `${theirs}.mlp.fc2`),
  };
}

function evaBlocks(role: string, theirs: string): Record<string, Entry> {
  return {
    ...pair(`${role}.ln1`, `${theirs}.norm1`),
    [`${role}.attn.q.weight`]: same(`${theirs}.attn.q_proj.weight`),
    [`${role}.attn.q.bias`]: same(`${theirs}.attn.q_bias`),
    [`${role}.attn.k.weight`]: same(`${theirs}.attn.k_proj.weight`),
    [`${role}.attn.v.weight`]: same(`${theirs}.attn.v_proj.weight`),
    [`${role}.attn.v.bias`]: same(`${theirs}.attn.v_bias`),
    ...pair(`${role}.attnLn`, `${theirs}.attn.inner_attn_ln`),
    ...pair(`${role}.attn.out`, `${theirs}.attn.proj`),
    ...pair(`${role}.ln2`, `${theirs}.norm2`),
    ...pair(`${role}.mlp.fc1`, `${theirs}.mlp.w1`),
    ...pair(`${role}.mlp.up`, `${theirs}.mlp.w2`),
    ...pair(`${role}.mlpLn`, `${theirs}.mlp.ffn_ln`),
    ...pair(`${role}.mlp.fc2`, `${theirs}.mlp.w3`),
  };
}

export const openAi: Dialect = { name: 'openai', table: { ...openAiImage, ...openAiText('') } };

/** OpenCLIP with a text tower of its own class; its plain models carry OpenAI's names. */
export const openClip: Dialect = { name: 'open_clip', table: { ...openAiImage, ...openAiText('text.') } };

export const huggingFace: Dialect = {
  name: 'huggingface',
  table: {
    'image.classToken': same('vision_model.embeddings.class_embedding'),
    'image.patch.weight': same('vision_model.embeddings.patch_embedding.weight'),
    'image.positions': same('vision_model.embeddings.position_embedding.weight'),
    // The misspelling is theirs.
    ...pair('image.lnPre', 'vision_model.pre_layrnorm'),
    ...huggingFaceBlocks('image.blocks.{i}', 'vision_model.encoder.layers.{i}'),
    ...pair('image.lnPost', 'vision_model.post_layernorm'),
    'image.projection': same('visual_projection.weight'),
    'text.table': same('text_model.embeddings.token_embedding.weight'),
    'text.positions': same('text_model.embeddings.position_embedding.weight'),
    ...huggingFaceBlocks('text.blocks.{i}', 'text_model.encoder.layers.{i}'),
    ...pair('text.lnFinal', 'text_model.final_layer_norm'),
    'text.projection': same('text_projection.weight'),
    logitScale: same('logit_scale'),
  },
};

/** EVA02-CLIP: an image tower with names of its own beside OpenCLIP's text tower. */
export const evaClip: Dialect = {
  name: 'eva_clip',
  table: {
    'image.classToken': { theirs: 'visual.cls_token', form: 'three axes' },
    'image.patch.weight': same('visual.patch_embed.proj.weight'),
    'image.patchBias': same('visual.patch_embed.proj.bias'),
    'image.positions': { theirs: 'visual.pos_embed', form: 'three axes' },
    ...evaBlocks('image.blocks.{i}', 'visual.blocks.{i}'),
    ...pair('image.lnPost', 'visual.norm'),
    'image.projection': same('visual.head.weight'),
    'image.projectionBias': same('visual.head.bias'),
    ...openAiText('text.'),
  },
};

/** The dialect in which a model is written: Hugging Face's, which has no names for EVA-02's tower. */
export const writtenDialect = ({ image }: ClipConfig): Dialect => (image?.eva ? evaClip : huggingFace);

/** Where a role lies in a dialect. */
export function entryOf(dialect: Dialect, role: string): Entry {
  const number = /\.blocks\.(\d+)\./.exec(role)?.[1];
  const entry = dialect.table[number ? role.replace(`.blocks.${number}.`, '.blocks.{i}.') : role];
  if (!entry) throw new Error(`entryOf: the ${dialect.name} table has no role '${role}'`);
  return number ? { ...entry, theirs: entry.theirs.replace('{i}', number) } : entry;
}

/** Entries of checkpoints that are no weights: buffers, and numbers that only describe the model. */
export const notWeights =
  /(^|\.)(position_ids|attn_mask|input_resolution|context_length|vocab_size|logit_bias|rope\.freqs_(cos|sin))$/;

const wrappers = /^(module\.)?((_image_encoder|_text_encoder|_logit_scale)\.)?(module\.)?/;

/** A tensor's name without what training wrappers put before it (`module.`, TinyCLIP's `_image_encoder.`). */
export const plainName = (name: string): string => name.replace(wrappers, '');

const foreign: [RegExp, string][] = [
  [/^visual\.(layer1|attnpool)\./, 'a ResNet image tower'],
  [/^visual\.trunk\./, 'a timm image tower'],
  [/\.ls_[12]\.gamma$/, 'LayerScale'],
  [/^visual\.attn_pool\./, 'an attention pool'],
  [/^text\.transformer\.(embeddings|encoder)\./, 'a text tower from transformers'],
  [/^visual\.blocks\.\d+\.attn\.qkv\.weight$/, 'an EVA image tower with queries, keys and values in one matrix'],
];

/**
 * The dialect of a checkpoint, from the (plain) names of its tensors.
 * @throws InputError when it is none of the four, or a kind of CLIP that is not supported, naming which.
 */
export function dialectOf(names: Iterable<string>, file: string): Dialect {
  const all = new Set(names);
  for (const name of all) {
    const kind = foreign.find(([test]) => test.test(name))?.[1];
    if (kind) throw new InputError(`${file}: expected a ViT CLIP, got one with ${kind} (tensor '${name}')`);
  }
  if (all.has(entryOf(evaClip, 'image.patch.weight').theirs)) return evaClip;
  if (all.has('text.token_embedding.weight')) return openClip;
  if (all.has('visual.conv1.weight') || all.has('token_embedding.weight')) return openAi;
  const marks = ['image.patch.weight', 'text.table'].map(role => entryOf(huggingFace, role).theirs);
  if (marks.some(mark => all.has(mark))) return huggingFace;
  const first = all.values().next().value;
  throw new InputError(
    `${file}: expected a CLIP checkpoint of OpenAI, OpenCLIP, Hugging Face or EVA-CLIP, got ${all.size} tensors` +
      (first === undefined ? '' : ` beginning with '${first.slice(0, 80)}'`),
  );
}
