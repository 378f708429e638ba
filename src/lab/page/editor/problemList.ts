/** The errors of the code once more, as a list: for those who hover with no mouse, or see none. */

export interface ListedProblem {
  /** Offset in the text. */
  readonly from: number;
  readonly line: number;
  readonly message: string;
}

/** @param go told where the problem is that was chosen */
export function problemList(go: (position: number) => void): {
  readonly element: HTMLElement;
  show(problems: readonly ListedProblem[]): void;
} {
  const element = document.createElement('ul');
  element.className = 'problems';
  element.setAttribute('role', 'status');
  return {
    element,
    show: problems =>
      element.replaceChildren(
        ...problems.map(({ from, line, message }) => {
          const item = document.createElement('li');
          const button = item.appendChild(document.createElement('button'));
          button.type = 'button';
          button.textContent = `Line ${line}: ${message}`;
          button.addEventListener('click', () => go(from));
          return item;
        }),
      ),
  };
}
