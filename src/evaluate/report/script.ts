/** What the page does beside being read: tables are sorted by a click on a heading, and a slider lays labels over photos. */
export const script = `
for (const table of document.querySelectorAll('table.sortable')) {
  const [body] = table.tBodies;
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = head.querySelector('button');
    if (!button) return;
    const numbers = head.classList.contains('number');
    button.addEventListener('click', () => {
      const before = head.getAttribute('aria-sort');
      const down = before === null ? numbers : before === 'ascending';
      for (const other of heads) other.removeAttribute('aria-sort');
      head.setAttribute('aria-sort', down ? 'descending' : 'ascending');
      const valueOf = row => row.cells[column].dataset.value;
      const compare = (a, b) => (numbers ? a - b : a.localeCompare(b, 'en', { numeric: true }));
      const known = [...body.rows].filter(row => valueOf(row) !== '');
      const unknown = [...body.rows].filter(row => valueOf(row) === '');
      known.sort((a, b) => (down ? -1 : 1) * compare(valueOf(a), valueOf(b)));
      body.append(...known, ...unknown);
    });
  });
}
const cover = document.getElementById('cover');
cover?.addEventListener('input', () => document.documentElement.style.setProperty('--cover', cover.value / 100));
`;
