/** Prompt templates: sentences with a place for a class name, whose embeddings are averaged. */
import { InputError, suggestion } from '../errors.js';
import { quoted } from '../files/quote.js';
import { shippedJson } from '../files/shipped.js';

/** The template sets that ship. */
export const templateSets = ['imagenet80', 'imagenet7', 'maskclip85', 'photo', 'plain'] as const;

/** The name of a template set. */
export type TemplateSet = (typeof templateSets)[number];

const place = '{}';

const shipped = () =>
  shippedJson('classes/templates') as Record<'imagenet80' | 'imagenet7' | 'maskclipExtra5', string[]>;

/**
 * A set of templates by name: `imagenet80` (OpenAI's 80, in their order; all segmentation papers but two use them),
 * `imagenet7` (OpenAI's subset), `maskclip85` (the 80 and MaskCLIP's 5; also CLIP Surgery's), `photo` (`a photo of a {}.`
 * alone; GEM's), `plain` (the name alone).
 * @throws InputError for another name, with the nearest.
 */
export function templates(name: TemplateSet): readonly string[] {
  switch (name) {
    case 'imagenet80':
      return shipped().imagenet80;
    case 'imagenet7':
      return shipped().imagenet7;
    case 'maskclip85': {
      const { imagenet80, maskclipExtra5 } = shipped();
      return [...imagenet80, ...maskclipExtra5];
    }
    case 'photo':
      return ['a photo of a {}.'];
    case 'plain':
      return [place];
    default:
      throw new InputError(
        `templates: no set is called ${quoted(String(name))}${suggestion(String(name), templateSets)}`,
      );
  }
}

/** Puts a name into every `{}` of a template. @throws InputError when the template has none. */
export function fill(template: string, name: string): string {
  if (!template.includes(place)) {
    throw new InputError(`template ${quoted(template)}: expected {} where the name goes, found none`);
  }
  return template.replaceAll(place, () => name);
}

/**
 * Templates from a text file, one a line; blank lines are skipped.
 * @param where The file's name, for error messages.
 * @throws InputError when there is none, or one lacks `{}`.
 */
export function parseTemplates(text: string, where: string): readonly string[] {
  const lines = text
    .replace(/^\uFEFF/u, '')
    .split(/\r\n|\n|\r/u)
    .map(line => line.trim())
    .filter(line => line !== '');
  if (lines.length === 0) throw new InputError(`${where}: expected one template a line, found none`);
  const without = lines.findIndex(line => !line.includes(place));
  if (without >= 0) {
    throw new InputError(
      `${where}: template ${without + 1}, ${quoted(lines[without]!)}, has no {} where the name goes`,
    );
  }
  return lines;
}
