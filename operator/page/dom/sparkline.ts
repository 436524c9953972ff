/** A small curve of the last hour. Assistive technology does not see it: the number beside the curve says what matters. */

const SVG = 'http://www.w3.org/2000/svg';
/** The size of the drawing in units of its own. `.sparkline` in `styles/table.css` says how big it is on the page. */
const WIDTH = 60;
const HEIGHT = 16;
/** Free space above and below the curve, so that its line is not cut at the edge. */
const MARGIN = 1;

/** Draws a curve. @param values one for each minute, 0 or more, the oldest first */
export function drawSparkline(values: readonly number[]): SVGSVGElement {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', `0 0 ${WIDTH} ${HEIGHT}`);
  svg.setAttribute('class', 'sparkline');
  svg.setAttribute('aria-hidden', 'true');
  const path = document.createElementNS(SVG, 'path');
  path.setAttribute('d', makePath(values));
  svg.append(path);
  return svg;
}

function makePath(values: readonly number[]): string {
  const most = Math.max(1, ...values);
  const step = WIDTH / Math.max(1, values.length - 1);
  const points = values.map((value, index) => {
    const x = index * step;
    const y = HEIGHT - MARGIN - (value / most) * (HEIGHT - 2 * MARGIN);
    return `${x.toFixed(1)} ${y.toFixed(1)}`;
  });
  return points.length > 0 ? `M${points.join('L')}` : '';
}
