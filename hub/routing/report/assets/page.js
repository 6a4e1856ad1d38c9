"use strict";
(() => {
  const plots = JSON.parse(document.getElementById("plots").textContent);
  const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const drawn = [];
  const WHOLE = [1, 10, 100, 1e3, 1e4, 1e5, 1e6].flatMap((power) => [power, 2 * power, 5 * power]);

  function bars(label, align, stroke) {
    return { label, stroke, fill: stroke, width: 0, points: { show: false },
      paths: uPlot.paths.bars({ size: [0.38, 44], align, gap: 1 }) };
  }

  function draw(place, { rows, x, y }) {
    const last = rows.length - 1, at = rows.map((_, index) => index);
    const every = (self) => {
      const step = Math.max(1, Math.ceil(rows.length / Math.max(1, Math.floor(self.width / 80))));
      return at.filter((index) => index % step === 0);
    };
    const name = (index) => (rows[index] ? rows[index][0].slice(0, 14) : "");
    const axis = { stroke: color("--soft"), grid: { stroke: color("--line"), width: 1 }, ticks: { show: false } };
    const options = {
      width: place.clientWidth, height: 300,
      scales: { x: { time: false, range: () => [-0.6, last + 0.6] }, y: { range: (_, low, high) => [0, high * 1.08 || 1] } },
      axes: [
        { ...axis, grid: { show: false }, splits: every, values: (_, found) => found.map(name) },
        { ...axis, label: y, labelSize: 22, size: 64, incrs: WHOLE },
      ],
      cursor: { drag: { x: false, y: false } },
      series: [
        { label: x, value: (_, index) => (index == null || !rows[index] ? "" : rows[index][0]) },
        bars("before", -1, color("--before")), bars("after", 1, color("--after")),
      ],
    };
    return new uPlot(options, [at, rows.map((row) => row[1]), rows.map((row) => row[2])], place);
  }

  function drawAll() {
    drawn.splice(0).forEach((plot) => plot.destroy());
    plots.forEach((plot, number) => {
      const place = document.getElementById("plot" + number);
      if (place) drawn.push(draw(place, plot));
    });
  }

  drawAll();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
  let waiting = 0;
  addEventListener("resize", () => { clearTimeout(waiting); waiting = setTimeout(drawAll, 150); });

  const search = document.getElementById("search");
  if (search) {
    const rows = [...document.querySelectorAll("#differences tbody tr")];
    const texts = rows.map((row) => row.textContent.toLowerCase()), hits = document.getElementById("hits");
    search.addEventListener("input", () => {
      const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      rows.forEach((row, index) => {
        row.hidden = !words.every((word) => texts[index].includes(word));
        shown += row.hidden ? 0 : 1;
      });
      hits.textContent = words.length ? shown + " of " + rows.length : "";
    });
  }
})();
