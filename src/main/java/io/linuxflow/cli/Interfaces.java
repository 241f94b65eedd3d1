// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.cli;

import io.linuxflow.metering.InstalledMeters;
import io.linuxflow.metering.InterfaceSelection;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The options that say which interfaces are meant. */
final class Interfaces {

    @Spec(Spec.Target.MIXEE)
    private CommandSpec command;

    @Option(
            names = {"--netns"},
            paramLabel = "NS",
            description = "the network namespace that --name is in; default: this one")
    private String namespace = "";

    @Option(
            names = {"-n", "--name"},
            paramLabel = "DEV",
            description = "an interface, or several by a glob such as 'eth*'; may be repeated")
    private List<String> names = new ArrayList<>();

    @Option(
            names = {"-i", "--interface"},
            paramLabel = "[NETNS:]DEV",
            split = ",",
            description = "the same in one: ns0:eth1, 'ns0:*'; may be repeated")
    private List<String> interfaces = new ArrayList<>();

    boolean areGiven() {
        return !names.isEmpty() || !interfaces.isEmpty();
    }

    /** What was selected, namespace by namespace, in the form {@code meter.interfaces} has. */
    Map<String, String> byNamespace() {
        List<String> all = new ArrayList<>(interfaces);
        for (String name : names) {
            all.add(namespace.isEmpty() ? name : namespace + ":" + name);
        }
        if (!namespace.isEmpty() && names.isEmpty()) {
            throw new ParameterException(
                    command.commandLine(), "--netns says where, -n DEV says what: give both");
        }
        if (all.isEmpty()) {
            throw new ParameterException(
                    command.commandLine(), "no interface: give --netns NS -n DEV, or -i NETNS:DEV");
        }
        Map<String, String> byNamespace = new LinkedHashMap<>();
        for (String item : all) {
            try {
                InterfaceSelection.parse(item)
                        .namespaces()
                        .forEach(in -> byNamespace.merge(in, item, (a, b) -> a + "," + b));
            } catch (IllegalArgumentException e) {
                throw new ParameterException(command.commandLine(), e.getMessage());
            }
        }
        return byNamespace;
    }

    /** The namespaces to look at: those selected, or all. */
    List<String> namespaces() {
        if (!areGiven()) {
            return namespace.isEmpty() ? InstalledMeters.namespaces() : List.of(namespace);
        }
        return List.copyOf(byNamespace().keySet());
    }

    /** Whether an interface was selected; all are if none was. */
    boolean match(String in, String name) {
        return !areGiven()
                || byNamespace().containsKey(in)
                        && InterfaceSelection.parse(byNamespace().get(in)).matches(in, name, false);
    }
}
