// SPDX-License-Identifier: Apache-2.0

import org.apache.camel.dsl.jbang.core.commands.CamelJBangMain;

/** The Camel CLI as a program; camel-jbang-main, which would be one, is a JBang script. */
public final class Camel {

    private Camel() {}

    /** Runs {@code camel} with these arguments. */
    public static void main(String[] args) {
        CamelJBangMain.run(args);
    }
}
