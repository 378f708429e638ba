/** Text that goes into a page: whatever is not markup already is escaped, since class names may be anything. */
import { printable } from '../../files/quote.js';

/** What may be put into a page as it is. */
export interface Markup {
  readonly markup: string;
}

/** What a template may hold: text and numbers, which are escaped, and markup. */
export type Part = string | number | Markup | readonly Part[];

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Fit for an element's text and for a quoted attribute; control characters, which would not be seen, are spelled out. */
const escaped = (text: string): string => printable(text).replace(/[&<>"']/g, character => entities[character]!);

function written(part: Part): string {
  if (typeof part === 'string') return escaped(part);
  if (typeof part === 'number') return String(part);
  return 'markup' in part ? part.markup : part.map(written).join('');
}

/** Markup from a template, all that is filled in escaped. */
export const html = (strings: TemplateStringsArray, ...parts: readonly Part[]): Markup => ({
  markup: String.raw({ raw: strings }, ...parts.map(written)),
});

/** Nothing. */
export const nothing: Markup = { markup: '' };
