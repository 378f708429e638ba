/** What OpenAI, OpenCLIP and Hugging Face call each weight: one table a dialect, nothing else knows their names. */
import { InputError } from '../../errors.js';

/**
 * How a role lies in the dialect's tensor: as it is; transposed; or one third of its rows (OpenAI stores q, k and v
 * as one matrix).
 */
export type Form = 'same' | 'transposed' | 'first third' | 'second third' | 'last third';

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
  readonly name: 'openai' | 'open_clip' | 'huggingface';
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

/** OpenAI's names; `text` is what stands before the names of the text tower (OpenCLIP's `CustomTextCLIP`: `text.`). */
function openAiNames(text: string): Record<string, Entry> {
  return {
    'image.classToken': same('visual.class_embedding'),
    'image.patch.weight': same('visual.conv1.weight'),
    'image.positions': same('visual.positional_embedding'),
    ...pair('image.lnPre', 'visual.ln_pre'),
    ...openAiBlocks('image.blocks.{i}', 'visual.transformer.resblocks.{i}'),
    ...pair('image.lnPost', 'visual.ln_post'),
    'image.projection': { theirs: 'visual.proj', form: 'transposed' },
    'text.table': same(`${text}token_embedding.weight`),
    'text.positions': same(`${text}positional_embedding`),
    ...openAiBlocks('text.blocks.{i}', `${text}transformer.resblocks.{i}`),
    ...pair('text.lnFinal', `${text}ln_final`),
    'text.projection': { theirs: `${text}text_projection`, form: 'transposed' },
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

export const openAi: Dialect = { name: 'openai', table: openAiNames('') };

/** OpenCLIP with a text tower of its own class; its plain models carry OpenAI's names. */
export const openClip: Dialect = { name: 'open_clip', table: openAiNames('text.') };

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

/** Where a role lies in a dialect. */
export function entryOf(dialect: Dialect, role: string): Entry {
  const number = /\.blocks\.(\d+)\./.exec(role)?.[1];
  const entry = dialect.table[number ? role.replace(`.blocks.${number}.`, '.blocks.{i}.') : role];
  if (!entry) throw new Error(`entryOf: the ${dialect.name} table has no role '${role}'`);
  return number ? { ...entry, theirs: entry.theirs.replace('{i}', number) } : entry;
}

/** Entries of checkpoints that are no weights: buffers, and numbers that only describe the model. */
export const notWeights = /(^|\.)(position_ids|attn_mask|input_resolution|context_length|vocab_size|logit_bias)$/;

const wrappers = /^(module\.)?((_image_encoder|_text_encoder|_logit_scale)\.)?(module\.)?/;

/** A tensor's name without what training wrappers put before it (`module.`, TinyCLIP's `_image_encoder.`). */
export const plainName = (name: string): string => name.replace(wrappers, '');

const foreign: [RegExp, string][] = [
  [/^visual\.(layer1|attnpool)\./, 'a ResNet image tower'],
  [/^visual\.trunk\./, 'a timm image tower'],
  [/\.ls_[12]\.gamma$/, 'LayerScale'],
  [/^visual\.attn_pool\./, 'an attention pool'],
  [/^text\.transformer\.(embeddings|encoder)\./, 'a text tower from transformers'],
  [/(^|\.)(sub_ln|inner_attn_ln|ffn_ln|rope)\b/, 'an EVA image tower'],
];

/**
 * The dialect of a checkpoint, from the (plain) names of its tensors.
 * @throws InputError when it is none of the three, or a kind of CLIP that is not supported, naming which.
 */
export function dialectOf(names: Iterable<string>, file: string): Dialect {
  const all = new Set(names);
  for (const name of all) {
    const kind = foreign.find(([test]) => test.test(name))?.[1];
    if (kind) throw new InputError(`${file}: expected a ViT CLIP, got one with ${kind} (tensor '${name}')`);
  }
  if (all.has('text.token_embedding.weight')) return openClip;
  if (all.has('visual.conv1.weight') || all.has('token_embedding.weight')) return openAi;
  const marks = ['image.patch.weight', 'text.table'].map(role => entryOf(huggingFace, role).theirs);
  if (marks.some(mark => all.has(mark))) return huggingFace;
  const first = all.values().next().value;
  throw new InputError(
    `${file}: expected a CLIP checkpoint of OpenAI, OpenCLIP or Hugging Face, got ${all.size} tensors` +
      (first === undefined ? '' : ` beginning with '${first.slice(0, 80)}'`),
  );
}
