/** Methods as the command line names them: by name, by file, or as a grid of changes. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { basename, extname, resolve } from 'node:path';
import { attentions } from '../../attention/index.js';
import { InputError, suggestion } from '../../errors.js';
import { reasonOf } from '../../files/bytes.js';
import { quoted } from '../../files/quote.js';
import { type MethodName, methodNames } from '../../segment/protocols.js';
import type { MethodSpec } from '../plan.js';

/** `a,b,c`: published methods, or attentions put into `base`. @throws InputError for other names, with the nearest */
export function methodSpecs(text: string, base: MethodName, where = '--methods'): MethodSpec[] {
  return listed(text, where).map(name => {
    const method = methodNames.find(known => known === name);
    if (method) return { label: name, method };
    if (Object.hasOwn(attentions, name)) return { label: name, method: base, attention: name };
    const known = [...new Set([...methodNames, ...Object.keys(attentions)])];
    throw new InputError(`${where}: unknown method or attention ${quoted(name)}${suggestion(name, known)}`);
  });
}

/**
 * A method in a file of the user's; what the file leaves open is as `base` has it.
 * @throws InputError when it cannot be read or is no JavaScript or TypeScript module by its name
 */
export function moduleSpec(path: string, base: MethodName): MethodSpec {
  const extension = extname(path);
  if (!/^\.[mc]?[jt]s$/.test(extension)) {
    throw new InputError(`--method: expected a module that ends in .ts, .js or .mjs, got ${quoted(path)}`);
  }
  return { label: basename(path, extension), method: base, module: { path: resolve(path), sha256: sha256Of(path) } };
}

/** The hash of a small file. @throws InputError when it cannot be read */
export function sha256Of(path: string): string {
  try {
    return createHash('sha256').update(readFileSync(path)).digest('hex');
  } catch (error) {
    throw new InputError(`${path}: cannot be read: ${reasonOf(error)}`);
  }
}

/** What can be swept, and what its values mean. */
const axes: Readonly<Record<string, (value: string) => Partial<MethodSpec> | undefined>> = {
  attention: value => (Object.hasOwn(attentions, value) ? { attention: value } : undefined),
  residual: value => {
    const factor = value === 'on' ? true : value === 'off' ? false : Number(value);
    return typeof factor === 'number' && !Number.isFinite(factor) ? undefined : { residual: factor };
  },
  ffn: value => (value === 'on' || value === 'off' ? { ffn: value === 'on' } : undefined),
  blocks: value => (/^[1-9]\d*$/.test(value) ? { blocks: Number(value) } : undefined),
};

const valuesOf: Readonly<Record<string, string>> = {
  attention: Object.keys(attentions).join(', '),
  residual: 'on, off, or a factor on the attention',
  ffn: 'on, off',
  blocks: 'whole numbers from 1',
};

/** Past this a table has no reader, and all the outputs of a window together no memory. */
const mostCombinations = 1000;

/**
 * Every combination of values over one method: `attention=qk,qq residual=on,off` makes four.
 * @throws InputError for unknown axes and values, with the nearest or what there is
 */
export function sweepSpecs(text: string, base: MethodName, where = '--sweep'): MethodSpec[] {
  const grid = text
    .trim()
    .split(/\s+/)
    .map(word => axisOf(word, where));
  const twice = grid.find(({ name }, i) => grid.findIndex(other => other.name === name) !== i);
  if (twice) throw new InputError(`${where}: '${twice.name}' is there twice`);
  const count = grid.reduce((product, { choices }) => product * choices.length, 1);
  if (count > mostCombinations) {
    throw new InputError(`${where}: expected at most ${mostCombinations} combinations, got ${count}`);
  }
  return grid.reduce<MethodSpec[]>(
    (specs, { choices }) =>
      specs.flatMap(spec =>
        choices.map(({ label, change }) => ({
          ...spec,
          ...change,
          label: spec.label === '' ? label : `${spec.label} ${label}`,
        })),
      ),
    [{ label: '', method: base }],
  );
}

/** One axis of a sweep: `residual=on,off`. */
function axisOf(word: string, where: string) {
  const [, name, list] = /^([^=]*)=(.*)$/.exec(word) ?? [];
  if (name === undefined) {
    throw new InputError(`${where}: expected axes such as "attention=qk,qq residual=on,off", got ${quoted(word)}`);
  }
  if (!Object.hasOwn(axes, name)) {
    throw new InputError(`${where}: nothing to sweep is called ${quoted(name)}${suggestion(name, Object.keys(axes))}`);
  }
  const choices = listed(list!, `${where}: ${name}`).map(value => {
    const change = axes[name]!(value);
    if (change) return { label: `${name}=${value}`, change };
    throw new InputError(`${where}: expected ${name} as ${valuesOf[name]}; got ${quoted(value)}`);
  });
  return { name, choices };
}

/** @throws InputError for an empty or repeated entry */
function listed(text: string, where: string): string[] {
  const names = text.split(',').map(name => name.trim());
  if (names.includes('')) throw new InputError(`${where}: expected names parted by commas, got ${quoted(text)}`);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw new InputError(`${where}: ${quoted(twice)} is there twice`);
  return names;
}
