// SPDX-License-Identifier: Apache-2.0
package io.linuxflow;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What README.md says of files, against the files. */
class ReadmeTest {

    private static final Path README = Path.of("README.md");

    /** {@code {{name:default}}}, {@code {{?name}}}. */
    private static final Pattern PLACEHOLDER =
            Pattern.compile("\\{\\{\\??([\\w.]+)(?::([^}]*))?}}");

    private static final Pattern ROW = Pattern.compile("\\| `([a-z]+\\.\\w+)` \\| ([^|]*)\\|.*");

    /** Those that no route names: the beans that have them do. */
    private static final List<String> OF_BEANS =
            List.of("flow.enrich", "flow.prefixTable", "flow.asDatabase", "flow.reverseDns");

    /** Properties of the table, and their defaults. */
    private static Map<String, String> documented() throws IOException {
        Map<String, String> properties = new TreeMap<>();
        for (String line : Files.readAllLines(README)) {
            Matcher row = ROW.matcher(line);
            if (row.matches()) {
                properties.put(row.group(1), row.group(2).strip().replace("`", ""));
            }
        }
        return properties;
    }

    @Test
    void theTableHasEveryPropertyOfTheRoutesWithItsDefault() throws IOException {
        Map<String, String> expected = new TreeMap<>();
        try (DirectoryStream<Path> routes = Files.newDirectoryStream(Path.of("routes"))) {
            for (Path route : routes) {
                Matcher used = PLACEHOLDER.matcher(Files.readString(route));
                while (used.find()) {
                    String byDefault = used.group(2) == null ? "" : used.group(2);
                    String before = expected.put(used.group(1), byDefault);
                    assertThat(before == null ? byDefault : before)
                            .as("%s in %s", used.group(1), route)
                            .isEqualTo(byDefault);
                }
            }
        }
        OF_BEANS.forEach(name -> expected.put(name, ""));
        expected.put("ipfix.fields", "a part of them");

        assertThat(documented()).isEqualTo(expected);
    }

    @Test
    void linksLeadSomewhere() throws IOException {
        String text = Files.readString(README);
        List<String> headings =
                text.lines()
                        .filter(line -> line.matches("##+ .*"))
                        .map(line -> line.replaceFirst("#+ ", "").toLowerCase(Locale.ROOT))
                        .map(line -> line.replaceAll("[^\\w -]", "").replace(' ', '-'))
                        .toList();
        Stream<String> links =
                Pattern.compile("\\]\\(([^)]+)\\)").matcher(text).results().map(m -> m.group(1));

        assertThat(links.filter(link -> !link.contains("://")))
                .isNotEmpty()
                .allMatch(
                        link ->
                                link.startsWith("#")
                                        ? headings.contains(link.substring(1))
                                        : Files.exists(Path.of(link)));
    }
}
