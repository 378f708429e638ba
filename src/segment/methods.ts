/** The methods by name: what each does to the last blocks, and the constants it was published with. */
import { attentions } from '../attention/index.js';
import { InputError, suggestion } from '../errors.js';
import { quoted } from '../files/quote.js';
import type { Variant } from '../model/imageTower.js';
import { type MethodName, methodNames, type Protocol, protocols } from './protocols.js';
import { resClipGuide } from './resclip/resclip.js';
import type { ResClipSettings } from './resclip/settings.js';
import { scClipGuide } from './scclip/scclip.js';
import type { ScClipSettings } from './scclip/settings.js';

/** A way to segment: a variant of the last blocks and a protocol around it. Make your own by filling in both. */
export interface Method {
  readonly name: string;
  readonly variant: Variant;
  readonly protocol: Protocol;
}

const bare = { residual: false, ffn: false } as const;

const variants: Readonly<Record<MethodName, Variant>> = {
  clip: {},
  maskclip: { attention: attentions.identity! },
  sclip: { attention: attentions.csa! },
  clearclip: { ...bare, attention: attentions.qq! },
  naclip: { ...bare, attention: attentions.naclip! },
  // Published as "depth 7" and "last 7": their loops reach six blocks.
  gem: { attention: attentions.gem!, blocks: 6, path: 'side' },
  clipsurgery: { attention: attentions.vv!, blocks: 6, path: 'side', classToken: 'stream' },
  resclip: { ...bare, attention: attentions.naclip!, guide: resClipGuide },
  scclip: { guide: scClipGuide },
  clipself: { attention: attentions.identity! },
};

/** A published method. @throws InputError naming the nearest when there is none of that name. */
export function methodByName(name: string): Method {
  const known = methodNames.find(candidate => candidate === name);
  if (!known) throw new InputError(`unknown method ${quoted(name)}${suggestion(name, methodNames)}`);
  return { name, variant: variants[known], protocol: protocols[known] };
}

/** ClearCLIP (Lan et al., ECCV 2024): q-q attention, neither residual nor FFN in the last block. */
export const clearClip = (): Method => methodByName('clearclip');

/** SCLIP (Wang et al., ECCV 2024): correlative self-attention in the last block. */
export const sclip = (): Method => methodByName('sclip');

export interface ResClipOptions extends Partial<ResClipSettings> {
  /** The last block that ResCLIP works on; default: NACLIP's. */
  readonly base?: Variant;
}

/**
 * ResCLIP (Yang et al., CVPR 2025) on any variant of the last block whose attention has a pattern: patterns of middle
 * blocks mixed in, and scores drawn to the classes of a first look. Settings that are not given are ADE20K's.
 */
export function resClip({ base, ...settings }: ResClipOptions = {}): Method {
  const { name, variant, protocol } = methodByName('resclip');
  const resclip = { ...protocol.resclip!, ...settings };
  return { name, variant: { ...(base ?? variant), guide: resClipGuide }, protocol: { ...protocol, resclip } };
}

/** SC-CLIP (Bai et al. 2024): anomalous patches repaired, and patches that are alike share what the last block says. */
export function scClip(settings: Partial<ScClipSettings> = {}): Method {
  const method = methodByName('scclip');
  const scclip = { ...method.protocol.scclip!, ...settings };
  return { ...method, protocol: { ...method.protocol, scclip } };
}
