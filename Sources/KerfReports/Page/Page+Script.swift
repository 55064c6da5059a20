extension Page {
  /// What a reader can do: sort, filter, ask for more rows, choose what the map shows, and walk
  /// over it. Without the script the page still has all of its pictures and rows.
  ///
  /// Text from files is only ever set as text, never as markup.
  static let script = HTML(
    markup: #"""
      "use strict";
      (() => {
        const all = (query, from = document) => [...from.querySelectorAll(query)];
        const data = id => {
          const block = document.getElementById(id);
          return block ? JSON.parse(block.textContent) : [];
        };
        const grouped = count => count.toLocaleString("en-US");
        all(".js").forEach(element => { element.hidden = false; });

        // Tables. A row is its words, and its element once it has one.
        const atOnce = 300;

        class SortedTable {
          constructor(table) {
            this.body = table.tBodies[0];
            this.noun = table.dataset.noun;
            this.heads = all("thead th", table);
            this.rows = all("tr", this.body).map(element => (
              {words: [...element.cells].map(cell => cell.textContent), element}));
            for (const words of data(table.id + "-rest")) this.rows.push({words});
            this.shown = this.rows;
            this.limit = atOnce;
            const own = name => document.querySelector(`${name}[data-for="${table.id}"]`);
            this.more = own("button");
            this.output = own("output");
            this.heads.forEach((head, column) => {
              head.firstElementChild.addEventListener("click", () => this.sort(column));
            });
            this.more?.addEventListener("click", () => { this.limit += atOnce; this.show(); });
            const filter = own("input");
            let timer;
            filter?.addEventListener("input", () => {
              clearTimeout(timer);
              timer = setTimeout(() => this.filter(filter.value), 60);
            });
            if (this.more) this.show();
          }

          element(row) {
            if (row.element) return row.element;
            row.element = document.createElement("tr");
            row.words.forEach((words, column) => {
              const cell = document.createElement(column ? "td" : "th");
              if (!column) {
                // Names may go on in another line behind a dot.
                cell.scope = "row";
                words.split(/(?<=[./])/).forEach((word, index) => {
                  if (index) cell.append(document.createElement("wbr"));
                  cell.append(word);
                });
                row.element.append(cell);
                return;
              }
              if (this.heads[column].dataset.order !== "words") cell.className = "n";
              cell.textContent = words;
              row.element.append(cell);
            });
            return row.element;
          }

          filter(text) {
            const wanted = text.toLowerCase().split(/\s+/).filter(Boolean);
            this.wanted = wanted;
            this.limit = atOnce;
            this.choose();
          }

          sort(column) {
            const head = this.heads[column];
            const first = head.dataset.order === "most" ? "descending" : "ascending";
            const second = first === "ascending" ? "descending" : "ascending";
            const next = {[first]: second, [second]: null}[head.getAttribute("aria-sort")];
            this.heads.forEach(other => other.removeAttribute("aria-sort"));
            // The third time, rows stand as in the file.
            this.order = next === null ? null : {column, direction: next ?? first};
            if (this.order) head.setAttribute("aria-sort", this.order.direction);
            this.limit = atOnce;
            this.choose();
          }

          choose() {
            let rows = this.rows;
            if (this.wanted?.length) {
              rows = rows.filter(row => {
                row.text ??= row.words.join("\n").toLowerCase();
                return this.wanted.every(word => row.text.includes(word));
              });
            }
            if (this.order) {
              const {column, direction} = this.order;
              const sign = direction === "ascending" ? 1 : -1;
              const compare = this.heads[column].dataset.order === "words"
                ? new Intl.Collator("en", {numeric: true}).compare : (a, b) => a - b;
              rows = rows.map(row => [this.key(row.words[column], column), row])
                .sort(([a], [b]) => {
                  // What has no figure comes last, whichever way.
                  if (a === null || b === null) return (a === null) - (b === null);
                  return sign * compare(a, b);
                })
                .map(pair => pair[1]);
            }
            this.shown = rows;
            this.show();
          }

          key(words, column) {
            if (this.heads[column].dataset.order === "words") return words;
            if (words === "exact") return Infinity;
            const number = parseFloat(words.replaceAll(",", ""));
            return Number.isNaN(number) ? null : number;
          }

          show() {
            const {shown, rows, limit} = this;
            this.body.replaceChildren(...shown.slice(0, limit).map(row => this.element(row)));
            if (this.output) {
              const count = `${grouped(rows.length)} ${this.noun}${rows.length === 1 ? "" : "s"}`;
              this.output.textContent =
                shown.length === rows.length ? count : `${grouped(shown.length)} of ${count}`;
            }
            if (this.more) {
              const left = shown.length - limit;
              this.more.hidden = left <= 0;
              this.more.textContent =
                `Show ${grouped(Math.min(left, atOnce))} more of ${grouped(Math.max(left, 0))}`;
            }
          }
        }
        all("table.sorted").forEach(table => new SortedTable(table));

        // The map.
        const cells = all(".heat td[data-c]");
        const readout = document.getElementById("readout");
        const read = cell => {
          if (!cell) return;
          all(".heat td.at").forEach(other => other.classList.remove("at"));
          cell.classList.add("at");
          readout.textContent = cell.title;
        };
        let current;
        const show = view => {
          for (const cell of cells) {
            const [kind, shade, text, words] = view[cell.dataset.c];
            cell.className = kind;
            cell.style.setProperty("--t", shade);
            cell.firstElementChild.textContent = text;
            cell.title = `${cell.dataset.p}: ${words}`;
          }
          read(current);
        };
        const chooser = document.getElementById("view");
        let views;
        chooser?.addEventListener("change", () => {
          views ??= data("views");
          show(views[chooser.value]);
          all(".legend").forEach((legend, index) => { legend.hidden = index != chooser.value; });
        });
        const step = {
          ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0]};
        for (const map of all(".heat")) {
          const inside = all("td[data-c]", map);
          if (inside[0]) inside[0].tabIndex = 0;
          const enter = cell => {
            inside.forEach(other => { other.tabIndex = -1; });
            cell.tabIndex = 0;
            current = cell;
            read(cell);
          };
          map.addEventListener("pointerover", event => read(event.target.closest("td[data-c]")));
          map.addEventListener("pointerleave", () => read(current));
          map.addEventListener("click", event => {
            event.target.closest("td[data-c]")?.focus();
          });
          map.addEventListener("focusin", event => {
            const cell = event.target.closest("td[data-c]");
            if (cell) enter(cell);
          });
          map.addEventListener("keydown", event => {
            const by = step[event.key];
            const cell = event.target.closest("td[data-c]");
            if (!by || !cell) return;
            event.preventDefault();
            let [row, column] = [cell.parentElement.sectionRowIndex, cell.cellIndex];
            // Over what is missing, to the next that is there.
            for (;;) {
              row += by[0];
              column += by[1];
              const next = map.tBodies[0].rows[row]?.cells[column];
              if (!next || next.tagName !== "TD") return;
              if (next.dataset.c === undefined) continue;
              next.tabIndex = 0;
              next.focus();
              return;
            }
          });
        }

        // A point of the picture chooses the map of its format.
        all("a[data-view]").forEach(link => link.addEventListener("click", () => {
          if (!chooser) return;
          chooser.value = link.dataset.view;
          chooser.dispatchEvent(new Event("change"));
        }));
      })();

      """#)
}
