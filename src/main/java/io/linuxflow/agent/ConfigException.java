// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.agent;

import java.util.List;

/** A file that can't be honoured; all that is wrong with it, with file and line. */
public final class ConfigException extends RuntimeException {

    private final transient List<String> problems;

    ConfigException(List<String> problems) {
        super(String.join("\n", problems));
        this.problems = problems;
    }

    /** One line each, {@code config.yaml:12: outputs[1].log.file: …}, in their order. */
    public List<String> problems() {
        return problems;
    }
}
