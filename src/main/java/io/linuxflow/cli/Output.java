// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.cli;

import picocli.CommandLine.Option;

/** The option that every command with a table has. */
final class Output {

    @Option(
            names = {"-o", "--output"},
            defaultValue = "table",
            paramLabel = "FORMAT",
            description = "${COMPLETION-CANDIDATES}; default ${DEFAULT-VALUE}")
    Table.Format format;
}
