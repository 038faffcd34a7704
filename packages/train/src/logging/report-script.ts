/** The script of the report: reads the values under the pointer out of each chart. The report can do without it. */
export const reportScript = `
for (const figure of document.querySelectorAll('figure.chart')) {
  const chart = JSON.parse(figure.querySelector('script').textContent)
  const [svg, cursor, output] = ['svg[role]', '.cursor', 'output'].map((part) => figure.querySelector(part))
  const nearest = (points, x) =>
    points.reduce((best, point) => (Math.abs(point[0] - x) < Math.abs(best[0] - x) ? point : best))
  const format = (value) => Number(value.toPrecision(6)).toString()
  svg.addEventListener('pointermove', (event) => {
    const { x } = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse())
    const share = (x - chart.left) / (chart.right - chart.left)
    const [at] = nearest(chart.series.at(-1).points, chart.first + share * (chart.last - chart.first))
    const place = chart.left + ((at - chart.first) / (chart.last - chart.first)) * (chart.right - chart.left)
    cursor.setAttribute('d', 'M' + place + ' ' + chart.top + 'V' + chart.bottom)
    const values = chart.series.map(({ name, points }) => name + ' ' + format(nearest(points, at)[1]))
    output.textContent = ['step ' + at, ...values].join(' · ')
  })
  svg.addEventListener('pointerleave', () => {
    cursor.setAttribute('d', '')
    output.textContent = ''
  })
}
`
