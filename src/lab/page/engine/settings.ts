/** What a panel is set to, as a method of the library. */
import type { Attention } from '../../../attention/attention.js';
import { attentionByName } from '../../../attention/index.js';
import { type Method, methodByName } from '../../../segment/methods.js';
import { methodNames } from '../../../segment/protocols.js';
import type { Scalar } from '../../../tensor/tfjs.js';
import { type MethodInfo, type PanelState, settled } from '../state.js';

/** Names of the attentions that methods use. */
const attentionsOfMethods: Readonly<Record<string, string>> = {
  clip: 'qk',
  maskclip: 'identity',
  sclip: 'csa',
  clearclip: 'qq',
  naclip: 'naclip',
  gem: 'gem',
  clipsurgery: 'vv',
  resclip: 'naclip',
  scclip: '',
  clipself: 'identity',
};

/** Every method, as panels show them. */
export const methodInfos: readonly MethodInfo[] = methodNames.map(name => {
  const { variant, protocol } = methodByName(name);
  const { residual = true, ffn = variant.path !== 'side', blocks = 1 } = variant;
  return {
    name,
    attention: attentionsOfMethods[name]!,
    residual: residual !== false,
    ffn,
    fixed: variant.guide !== undefined || variant.path === 'side',
    blocks,
    pamr: protocol.pamr.steps,
  };
});

/**
 * The method of a panel. Where there is a residual, the attention beside it is weighed by `factor`.
 *
 * @param mine stands for the user's own attention
 * @throws InputError for an unknown name
 */
export function methodOf(panel: PanelState, factor: () => Scalar | number, mine: Attention): Method {
  const method = methodByName(panel.method);
  const { variant } = method;
  if (variant.guide !== undefined || variant.path === 'side') return method;
  const attention =
    panel.attention === undefined
      ? variant.attention
      : panel.attention === 'mine'
        ? mine
        : attentionByName(panel.attention);
  const residual = panel.residual ?? variant.residual ?? true;
  return {
    ...method,
    variant: {
      ...variant,
      ...(attention && { attention }),
      ffn: panel.ffn ?? variant.ffn ?? true,
      get residual() {
        return residual === false ? false : factor();
      },
    },
  };
}

/** Whether a panel has the user's own attention. */
export const isOwn = ({ attention }: PanelState): boolean => attention === 'mine';

/** The factor that a panel puts on its attention. */
export const alphaOf = ({ residual }: PanelState): number => (typeof residual === 'number' ? residual : 1);

/** What is known of a panel's method. @throws InputError naming the nearest when there is none of that name. */
function infoOf({ method }: PanelState): MethodInfo {
  const { name } = methodByName(method);
  return methodInfos.find(info => info.name === name)!;
}

/** Panels of one key are one method, whatever their factor. @throws InputError for an unknown method */
export function panelKey(panel: PanelState): string {
  const { attention, residual, ffn } = settled(panel, infoOf(panel));
  return [panel.method, attention, residual !== false, ffn].join('|');
}
