// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.cli;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Rows under headings, in the formats that {@code -o} knows. */
final class Table {

    /** How it is written. */
    enum Format {
        /** The columns most are interested in, aligned. */
        table,
        /** All columns, aligned. */
        wide,
        /** All columns: an array of objects. */
        json,
        /** All columns, as RFC 4180 has it, with a header line. */
        csv
    }

    private record Column(String heading, boolean wide) {
        String key() {
            return heading.toLowerCase(Locale.ROOT);
        }
    }

    private final List<Column> columns = new ArrayList<>();
    private final List<List<Object>> rows = new ArrayList<>();

    /** Adds columns that every format has. */
    Table columns(String... headings) {
        for (String heading : headings) {
            columns.add(new Column(heading, false));
        }
        return this;
    }

    /** Adds columns that the format table leaves out. */
    Table wideColumns(String... headings) {
        for (String heading : headings) {
            columns.add(new Column(heading, true));
        }
        return this;
    }

    /** Adds a row: numbers, truth values, or what its text shows. */
    Table row(Object... cells) {
        if (cells.length != columns.size()) {
            throw new IllegalArgumentException(
                    cells.length + " cells, " + columns.size() + " columns");
        }
        rows.add(List.of(cells));
        return this;
    }

    void print(Format format, PrintWriter out) {
        switch (format) {
            case table -> aligned(out, false);
            case wide -> aligned(out, true);
            case json -> json(out);
            case csv -> csv(out);
        }
        out.flush();
    }

    private void aligned(PrintWriter out, boolean wide) {
        int[] shown =
                IntStream.range(0, columns.size())
                        .filter(i -> wide || !columns.get(i).wide)
                        .toArray();
        int[] widths = new int[columns.size()];
        for (int i : shown) {
            widths[i] = columns.get(i).heading.length();
            for (List<Object> row : rows) {
                widths[i] = Math.max(widths[i], text(row.get(i)).length());
            }
        }
        line(out, shown, widths, columns.stream().map(Column::heading).toList());
        rows.forEach(row -> line(out, shown, widths, row));
    }

    private static void line(PrintWriter out, int[] shown, int[] widths, List<?> cells) {
        StringBuilder line = new StringBuilder();
        for (int i : shown) {
            String text = text(cells.get(i));
            line.append(text).append(" ".repeat(widths[i] - text.length() + 2));
        }
        out.println(line.toString().stripTrailing());
    }

    private static String text(Object cell) {
        String text = cell.toString();
        return text.isEmpty() ? "-" : text;
    }

    private void json(PrintWriter out) {
        out.println(
                rows.stream()
                        .map(
                                row ->
                                        IntStream.range(0, columns.size())
                                                .mapToObj(
                                                        i ->
                                                                quoted(columns.get(i).key())
                                                                        + ": "
                                                                        + value(row.get(i)))
                                                .collect(Collectors.joining(", ", "  {", "}")))
                        .collect(Collectors.joining(",\n", "[\n", "\n]")));
    }

    private static String value(Object cell) {
        return cell instanceof Number || cell instanceof Boolean
                ? cell.toString()
                : quoted(cell.toString());
    }

    /** RFC 8259, section 7. */
    private static String quoted(String text) {
        StringBuilder quoted = new StringBuilder("\"");
        for (char c : text.toCharArray()) {
            if (c == '"' || c == '\\') {
                quoted.append('\\').append(c);
            } else if (c < ' ') {
                quoted.append(String.format("\\u%04x", (int) c));
            } else {
                quoted.append(c);
            }
        }
        return quoted.append('"').toString();
    }

    private void csv(PrintWriter out) {
        csvLine(out, columns.stream().map(Column::key).toList());
        rows.forEach(row -> csvLine(out, row));
    }

    private static void csvLine(PrintWriter out, List<?> cells) {
        out.println(
                cells.stream()
                        .map(Object::toString)
                        .map(
                                text ->
                                        text.matches("(?s).*[\",\r\n].*")
                                                ? '"' + text.replace("\"", "\"\"") + '"'
                                                : text)
                        .collect(Collectors.joining(",")));
    }
}
