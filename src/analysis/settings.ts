/** What is done to the last block, in the three ways that ClearCLIP's authors took it apart. */
import { attentionByName } from '../attention/index.js';
import type { Variant } from '../model/imageTower.js';

/** A last block: `X_res + alpha X_attn`, then the feed-forward layer or not. */
export interface Setting {
  /** By its name: `qk`, `qq`. */
  readonly attention: string;
  /** 0: what enters the block alone; 1: as trained; infinity: the attention alone. */
  readonly alpha: number;
  readonly ffn: boolean;
}

/** The last block as CLIP was trained. */
export const trained: Setting = { attention: 'qk', alpha: 1, ffn: true };

/** A factor as tables have it; JSON knows no infinity. */
export type Alpha = number | 'inf';

export const alphaOf = ({ alpha }: Pick<Setting, 'alpha'>): Alpha =>
  alpha === Number.POSITIVE_INFINITY ? 'inf' : alpha;

/** Equal for equal settings. */
export const settingName = (setting: Setting): string =>
  `${setting.attention} alpha=${alphaOf(setting)} ffn=${setting.ffn ? 'on' : 'off'}`;

/** How the tower runs it. @throws InputError for an attention that there is not */
export const variantOf = ({ attention, alpha, ffn }: Setting): Variant => ({
  attention: attentionByName(attention),
  residual: alpha === Number.POSITIVE_INFINITY ? false : alpha,
  ffn,
});
