// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.metering;

import io.linuxflow.flow.FlowBatch;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * Which interfaces are metered: a comma-separated list of {@code DEV} (in this process's network
 * namespace) and {@code NETNS:DEV} (in a namespace that {@code ip netns} knows), where {@code DEV}
 * may hold {@code *} (any characters) and {@code ?} (any one): {@code eth1}, {@code eth*,ns0:*}.
 *
 * <p>The loopback device is metered only where it is named: {@code lo}, not {@code *}.
 *
 * <p>The word {@code attached} alone means, in all network namespaces that have a name: whatever
 * {@code flowctl meter attach} or an earlier process with the option pin has attached, or will
 * have. (A device of that name is {@code attache?}.)
 */
public final class InterfaceSelection {

    /** What names this process's own namespace as a key of {@link #namespaces()}. */
    public static final String OWN_NAMESPACE = FlowBatch.OWN_NAMESPACE;

    private static final String ATTACHED = "attached";

    /** Empty if it is what is attached. */
    private final Map<String, List<Glob>> namespaces;

    private record Glob(String text, Pattern pattern) {
        static Glob of(String text) {
            StringBuilder regex = new StringBuilder();
            for (char c : text.toCharArray()) {
                regex.append(
                        switch (c) {
                            case '*' -> ".*";
                            case '?' -> ".";
                            default -> Pattern.quote(String.valueOf(c));
                        });
            }
            return new Glob(text, Pattern.compile(regex.toString()));
        }

        boolean isLiteral() {
            return text.indexOf('*') < 0 && text.indexOf('?') < 0;
        }
    }

    private InterfaceSelection(Map<String, List<Glob>> namespaces) {
        this.namespaces = namespaces;
    }

    /**
     * Reads a selection.
     *
     * @throws IllegalArgumentException naming the item that cannot be an interface
     */
    public static InterfaceSelection parse(String text) {
        if (text.strip().equals(ATTACHED)) {
            return new InterfaceSelection(Map.of());
        }
        Map<String, List<Glob>> namespaces = new LinkedHashMap<>();
        for (String item : text.split(",")) {
            String trimmed = item.strip();
            if (trimmed.isEmpty()) {
                continue;
            }
            int colon = trimmed.lastIndexOf(':');
            String namespace = colon < 0 ? OWN_NAMESPACE : trimmed.substring(0, colon);
            String device = trimmed.substring(colon + 1);
            if (colon == 0
                    || !namespace.matches("[^\\s/*?:]*")
                    || !device.matches("[^\\s/:]{1,15}")) {
                throw new IllegalArgumentException(
                        "interfaces: \""
                                + trimmed
                                + "\" is neither DEV nor NETNS:DEV, where DEV has 1 to 15"
                                + " characters and may hold the wildcards * and ?");
            }
            namespaces.computeIfAbsent(namespace, key -> new ArrayList<>()).add(Glob.of(device));
        }
        if (namespaces.isEmpty()) {
            throw new IllegalArgumentException(
                    "interfaces: \"" + text + "\" names none: give DEV, NETNS:DEV, or * for all");
        }
        return new InterfaceSelection(namespaces);
    }

    /** Whether it is not names that count but what is attached already; there are none then. */
    public boolean isAttached() {
        return namespaces.isEmpty();
    }

    /** The namespaces that are named, in their order; {@link #OWN_NAMESPACE} among them. */
    public List<String> namespaces() {
        return List.copyOf(namespaces.keySet());
    }

    /** Whether an interface is to be metered. */
    public boolean matches(String namespace, String device, boolean loopback) {
        for (Glob glob : globs(namespace)) {
            if (glob.isLiteral()
                    ? glob.text().equals(device)
                    : !loopback && glob.pattern().matcher(device).matches()) {
                return true;
            }
        }
        return false;
    }

    /** The interfaces that are named in full: their absence is worth a word. */
    public List<String> literals(String namespace) {
        return globs(namespace).stream().filter(Glob::isLiteral).map(Glob::text).toList();
    }

    private List<Glob> globs(String namespace) {
        return namespaces.getOrDefault(namespace, Collections.emptyList());
    }
}
