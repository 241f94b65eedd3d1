// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;

class TableTest {

    private static String print(Table.Format format) {
        StringWriter text = new StringWriter();
        new Table()
                .columns("NAME", "N")
                .wideColumns("MORE")
                .row("a", 1, true)
                .row("", 22, "\"b\", \\\n")
                .print(format, new PrintWriter(text));
        return text.toString().replace(System.lineSeparator(), "\n");
    }

    @Test
    void alignsTheColumnsThatMatterMost() {
        assertThat(print(Table.Format.table)).isEqualTo("NAME  N\na     1\n-     22\n");
    }

    @Test
    void wideHasAllColumns() {
        assertThat(print(Table.Format.wide)).startsWith("NAME  N   MORE\na     1   true\n");
    }

    @Test
    void jsonKeepsNumbersAndEscapesAsRfc8259Section7() {
        assertThat(print(Table.Format.json))
                .isEqualTo(
                        """
                        [
                          {"name": "a", "n": 1, "more": true},
                          {"name": "", "n": 22, "more": "\\"b\\", \\\\\\u000a"}
                        ]
                        """);
    }

    @Test
    void csvQuotesAsRfc4180Section2() {
        assertThat(print(Table.Format.csv))
                .isEqualTo("name,n,more\na,1,true\n,22,\"\"\"b\"\", \\\n\"\n");
    }
}
