/** Elements made in one call. Text becomes text nodes, whatever is in it. */

type Child = Node | string | undefined | false;

interface Given<E> {
  class?: string;
  /** Attributes, `aria-…` among them; undefined leaves one out. */
  attributes?: Readonly<Record<string, string | number | undefined>>;
  /** Listeners by event. */
  on?: { [K in keyof HTMLElementEventMap]?: (event: HTMLElementEventMap[K]) => void };
  /** Properties set as they are. */
  set?: Partial<E>;
}

/** An element of the page. */
export function el<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  given: Given<HTMLElementTagNameMap[Name]> | string = {},
  ...children: Child[]
): HTMLElementTagNameMap[Name] {
  const { class: names, attributes = {}, on = {}, set = {} } = typeof given === 'string' ? { class: given } : given;
  const element = document.createElement(name);
  if (names) element.className = names;
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== undefined) element.setAttribute(key, String(value));
  }
  Object.assign(element, set);
  for (const [event, listener] of Object.entries(on)) element.addEventListener(event, listener as EventListener);
  append(element, children);
  return element;
}

/** An element of a drawing. */
export function svg(
  name: string,
  attributes: Readonly<Record<string, string | number>> = {},
  ...children: Child[]
): SVGElement {
  const element = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  append(element, children);
  return element;
}

const append = (element: Element, children: readonly Child[]): void => {
  element.append(...children.filter((child): child is Node | string => child !== undefined && child !== false));
};

/** A choice among names. */
export function select(
  label: string,
  options: readonly (readonly [value: string, text: string])[],
  onChange: (value: string) => void,
): HTMLSelectElement {
  return el(
    'select',
    {
      attributes: { 'aria-label': label },
      on: { change: event => onChange((event.target as HTMLSelectElement).value) },
    },
    ...options.map(([value, text]) => el('option', { set: { value } }, text)),
  );
}

/** A button that says what it does. */
export const button = (text: string, onClick: () => void, title?: string): HTMLButtonElement =>
  el('button', { attributes: { type: 'button', title }, on: { click: onClick } }, text);

/** A checkbox and its name. */
export function toggle(
  text: string,
  onChange: (on: boolean) => void,
): { readonly label: HTMLLabelElement; readonly input: HTMLInputElement } {
  const input = el('input', {
    attributes: { type: 'checkbox' },
    on: { change: event => onChange((event.target as HTMLInputElement).checked) },
  });
  return { label: el('label', 'toggle', input, text), input };
}

/** Puts new children in the place of the old ones. */
export const fill = (element: Element, ...children: Child[]): void => {
  element.replaceChildren();
  append(element, children);
};
