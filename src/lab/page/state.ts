/**
 * What the page shows, as a value, and its way into the address and back. The address is written by strangers too: what
 * does not fit is refused with a line that says why, and nothing of it is used.
 */
import { InputError, suggestion } from '../../errors.js';
import { quoted } from '../../files/quote.js';
import { methodNames } from '../../segment/protocols.js';

/** The library's attentions by name; `mine` stands for the user's own. */
export const attentionNames = ['qk', 'qq', 'kk', 'vv', 'csa', 'identity', 'gem', 'naclip'] as const;

/** One map: a method, and what is changed of it. What is left out is as the method has it. */
export interface PanelState {
  readonly method: string;
  readonly attention?: string;
  /** `true`, `false`, or the factor on the attention beside the residual. */
  readonly residual?: boolean | number;
  readonly ffn?: boolean;
}

/** What a method does to the last block, and which of it a panel may change. */
export interface MethodInfo {
  readonly name: string;
  /** By name, where it has one. */
  readonly attention: string;
  readonly residual: boolean;
  readonly ffn: boolean;
  /** Whether attention, residual and FFN are the method's own business: it has more than one path, or look. */
  readonly fixed: boolean;
  /** How many last blocks it changes. */
  readonly blocks: number;
  /** Rounds of refinement by the picture itself. */
  readonly pamr: number;
}

/** What a panel does, with the method's own where it changes nothing. */
export function settled(
  { attention, residual, ffn }: PanelState,
  method: MethodInfo,
): Required<Omit<PanelState, 'method'>> {
  return {
    attention: attention ?? method.attention,
    residual: residual ?? method.residual,
    ffn: ffn ?? method.ffn,
  };
}

/** Whether a panel is its method and nothing else. */
export function isPlain(panel: PanelState, method: MethodInfo): boolean {
  if (method.fixed) return true;
  const { attention, residual, ffn } = settled(panel, method);
  const factor = (value: boolean | number) => Number(value);
  return attention === method.attention && factor(residual) === factor(method.residual) && ffn === method.ffn;
}

/** The page's state. */
export interface LabState {
  /** As on the command line: `a cat,kitten; sofa`. */
  readonly classes: string;
  readonly panels: readonly PanelState[];
  /** One of the examples; undefined for a picture of the user's, which no address holds. */
  readonly picture?: string;
  /** The cell that is looked at. */
  readonly patch?: { readonly row: number; readonly column: number };
  /** Source of the user's own attention. */
  readonly code?: string;
}

export const mostPanels = 6;
export const alphaRange = { from: 0, to: 3 } as const;
const version = '1';
const longest = { address: 24_000, classes: 4_000, code: 12_000, picture: 100 } as const;
const largestCell = 10_000;

/** A state as the part of an address behind `#`. */
export function hashOf({ classes, panels, picture, patch, code }: LabState): string {
  const parts = new URLSearchParams({ v: version });
  if (picture !== undefined) parts.set('picture', picture);
  parts.set('classes', classes);
  for (const panel of panels) parts.append('panel', panelText(panel));
  if (patch) parts.set('patch', `${patch.row}.${patch.column}`);
  if (code !== undefined) parts.set('code', code);
  // These need no escape there, and addresses are read by people.
  return parts.toString().replaceAll('%2C', ',').replaceAll('%3B', ';').replaceAll('%3A', ':');
}

function panelText({ method, attention, residual, ffn }: PanelState): string {
  return [
    method,
    ...(attention === undefined ? [] : [`attention:${attention}`]),
    ...(residual === undefined ? [] : [`residual:${residualText(residual)}`]),
    ...(ffn === undefined ? [] : [`ffn:${ffn ? 'on' : 'off'}`]),
  ].join(',');
}

/** A residual as the command line takes it. */
export const residualText = (residual: boolean | number): string =>
  typeof residual === 'number' ? String(residual) : residual ? 'on' : 'off';

/**
 * The state that the part of an address behind `#` holds; undefined when there is none.
 * @throws InputError for a part that is unknown, is there twice, or is longer or other than it may be.
 */
export function stateFromHash(hash: string): LabState | undefined {
  const text = hash.replace(/^#/, '');
  if (text === '') return undefined;
  if (text.length > longest.address) refuse(`it has ${text.length} characters, at most ${longest.address} are read`);
  const parts = new URLSearchParams(text);
  const known = ['v', 'picture', 'classes', 'panel', 'patch', 'code'];
  for (const key of new Set(parts.keys())) {
    if (!known.includes(key)) refuse(`unknown part ${quoted(key, 30)}${suggestion(key, known)}`);
    if (key !== 'panel' && parts.getAll(key).length > 1) refuse(`'${key}' is there twice`);
  }
  if (parts.get('v') !== version) refuse(`expected v=${version}, got ${quoted(parts.get('v') ?? 'none', 20)}`);
  const short = (key: 'picture' | 'classes' | 'code'): string | undefined => {
    const value = parts.get(key) ?? undefined;
    if (value !== undefined && value.length > longest[key]) {
      refuse(`${key}: ${value.length} characters, at most ${longest[key]} are read`);
    }
    return value;
  };
  const picture = short('picture');
  const classes = short('classes') ?? '';
  const code = short('code');
  if (picture !== undefined && !/^[\w.-]+$/.test(picture))
    refuse(`picture: no example is called ${quoted(picture, 40)}`);
  const panels = parts.getAll('panel').map(panelFrom);
  if (panels.length < 1 || panels.length > mostPanels) {
    refuse(`expected 1 to ${mostPanels} panels, got ${panels.length}`);
  }
  const patch = patchFrom(parts.get('patch'));
  return {
    classes,
    panels,
    ...(picture !== undefined && { picture }),
    ...(patch && { patch }),
    ...(code !== undefined && { code }),
  };
}

function patchFrom(text: string | null): LabState['patch'] {
  if (text === null) return undefined;
  const [, row, column] = /^(\d{1,5})\.(\d{1,5})$/.exec(text) ?? [];
  if (row === undefined || Number(row) > largestCell || Number(column) > largestCell) {
    refuse(`patch: expected row.column, got ${quoted(text, 20)}`);
  }
  return { row: Number(row), column: Number(column) };
}

function panelFrom(text: string): PanelState {
  const [method = '', ...changes] = text.split(',');
  checkName('method', method, methodNames);
  const given = new Map<string, string>();
  for (const change of changes) {
    const [, key, value] = /^(attention|residual|ffn):(.{1,20})$/s.exec(change) ?? [];
    if (key === undefined || value === undefined || given.has(key)) refuse(`panel: cannot read ${quoted(change, 40)}`);
    given.set(key, value);
  }
  const attention = given.get('attention');
  if (attention !== undefined) checkName('attention', attention, [...attentionNames, 'mine']);
  const residual = given.get('residual');
  const ffn = given.get('ffn');
  if (ffn !== undefined && ffn !== 'on' && ffn !== 'off') refuse(`panel: ffn: expected on or off, got ${quoted(ffn)}`);
  return {
    method,
    ...(attention !== undefined && { attention }),
    ...(residual !== undefined && { residual: residualFrom(residual) }),
    ...(ffn !== undefined && { ffn: ffn === 'on' }),
  };
}

function residualFrom(text: string): boolean | number {
  if (text === 'on' || text === 'off') return text === 'on';
  const alpha = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && alpha >= alphaRange.from && alpha <= alphaRange.to) return alpha;
  return refuse(`panel: residual: expected on, off or a factor up to ${alphaRange.to}, got ${quoted(text)}`);
}

function checkName(what: string, name: string, known: readonly string[]): void {
  if (!known.includes(name)) refuse(`panel: unknown ${what} ${quoted(name, 40)}${suggestion(name, known)}`);
}

function refuse(why: string): never {
  throw new InputError(`address: ${why}; the page starts as it comes`);
}
