"use strict";
(() => {
  // A click on a column's head, or Enter or Space on it, sorts: numbers from the greatest, text from A; a second one
  // the other way round; a third puts the rows back. Rows without a value stay last.
  const value = (row, column) => {
    const cell = row.cells[column];
    return cell.dataset.value === undefined ? cell.textContent.trim() : Number(cell.dataset.value);
  };
  const lacking = (one) => one === "–" || one === "";
  const compare = (one, other) => {
    if (typeof one === "number" && typeof other === "number") return one - other;
    return String(one).localeCompare(String(other), undefined, { numeric: true });
  };
  const sort = (table, column, order) => {
    const body = table.tBodies[0];
    const rows = [...body.rows].sort((one, other) => one.dataset.place - other.dataset.place);
    if (order !== "none") {
      const sign = order === "ascending" ? 1 : -1;
      rows.sort((one, other) => {
        const [a, b] = [value(one, column), value(other, column)];
        return lacking(a) - lacking(b) || sign * compare(a, b);
      });
    }
    body.append(...rows);
  };
  for (const table of document.querySelectorAll("table[data-sortable]")) {
    [...table.tBodies[0].rows].forEach((row, place) => { row.dataset.place = place; });
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => head.querySelector("button").addEventListener("click", () => {
      const orders = head.classList.contains("number") ? ["descending", "ascending"] : ["ascending", "descending"];
      const order = [...orders, "none"][orders.indexOf(head.getAttribute("aria-sort")) + 1];
      heads.forEach((other) => other.setAttribute("aria-sort", "none"));
      head.setAttribute("aria-sort", order);
      sort(table, column, order);
    }));
  }

  // A figure's drawing, as a file.
  for (const button of document.querySelectorAll("button[data-svg]")) {
    button.addEventListener("click", () => {
      const drawing = button.closest("figure").querySelector(".drawing svg");
      const text = new XMLSerializer().serializeToString(drawing).replaceAll("currentColor", "#1f2328");
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob([text], { type: "image/svg+xml" }));
      link.download = button.dataset.svg;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    });
  }

  // A drawing comes alive when it is looked at. Vega stands in the page as text, and is read by the first that needs it.
  const vega = () => {
    if (!window.vegaEmbed) {
      const script = document.createElement("script");
      script.textContent = document.getElementById("vega").textContent;
      document.head.append(script);
    }
    return window.vegaEmbed;
  };
  const enliven = async (drawing) => {
    const specification = JSON.parse(document.getElementById(drawing.dataset.specification).textContent);
    const live = document.createElement("div");
    // `ast`: expressions are interpreted, so that the page can forbid code that is made of text.
    await vega()(live, specification, { actions: false, ast: true, renderer: "svg", tooltip: { theme: "custom" } });
    // What is chosen from stands beside the drawing, and is no part of a picture.
    const picture = live.querySelector("svg");
    for (const name of ["role", "aria-label"]) {
      picture.setAttribute(name, drawing.getAttribute(name));
      drawing.removeAttribute(name);
    }
    drawing.replaceChildren(live);
    drawing.dataset.live = "";
  };
  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries.filter((one) => one.isIntersecting)) {
      seen.unobserve(entry.target);
      enliven(entry.target);
    }
  });
  document.querySelectorAll(".drawing[data-specification]").forEach((drawing) => seen.observe(drawing));
})();
