/** The attentions by the names the command line knows. A function of your own needs no line here. */
import { InputError, suggestion } from '../errors.js';
import type { Attention } from './attention.js';
import { csa } from './csa.js';
import { gem } from './gem.js';
import { identity } from './identity.js';
import { kk } from './kk.js';
import { naclip } from './naclip.js';
import { qk } from './qk.js';
import { qq } from './qq.js';
import { vv } from './vv.js';

/** Every attention of this folder, with its published settings. */
export const attentions: Readonly<Record<string, Attention>> = {
  qk,
  qq,
  kk,
  vv,
  csa,
  identity,
  gem: gem(),
  naclip: naclip(),
};

/** The attention of that name. @throws InputError naming the nearest when there is none. */
export function attentionByName(name: string): Attention {
  if (Object.hasOwn(attentions, name)) return attentions[name]!;
  throw new InputError(`unknown attention '${name}'${suggestion(name, Object.keys(attentions))}`);
}
