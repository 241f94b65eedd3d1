// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.ipfix;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * Information Elements by identifier and by name. Immutable: {@link #with} gives a new registry, so
 * enterprise-specific elements of one user never show up in another's.
 */
public final class ElementRegistry {

    private static final String RESOURCE = "iana-ipfix-elements.csv";
    private static final ElementRegistry IANA = new ElementRegistry(load());

    private final Map<Long, InformationElement> byId = new LinkedHashMap<>();
    private final Map<String, InformationElement> byName = new HashMap<>();

    private ElementRegistry(Collection<InformationElement> elements) {
        for (InformationElement element : elements) {
            byId.put(key(element.id(), element.enterprise()), element);
        }
        for (InformationElement element : byId.values()) {
            byName.put(key(element.name()), element);
        }
    }

    /** The elements that IANA registers (https://www.iana.org/assignments/ipfix). */
    public static ElementRegistry iana() {
        return IANA;
    }

    /**
     * This registry and more elements; one with the identity of an element that is here already
     * takes its place, and one with a name that is here already is the one found by it.
     */
    public ElementRegistry with(Collection<InformationElement> more) {
        List<InformationElement> all = new ArrayList<>(byId.values());
        all.addAll(more);
        return new ElementRegistry(all);
    }

    /**
     * The element of that name. Upper and lower case don't matter, so the spellings of Go programs
     * ({@code OctetDeltaCount}) are found too.
     */
    public Optional<InformationElement> byName(String name) {
        return Optional.ofNullable(byName.get(key(name)));
    }

    /**
     * The element of that identity.
     *
     * @param enterprise the Private Enterprise Number, 0 for IANA's elements
     */
    public Optional<InformationElement> byId(int id, long enterprise) {
        return Optional.ofNullable(byId.get(key(id, enterprise)));
    }

    /** The names of all elements, in the order of their identifiers. */
    public List<String> names() {
        return byId.values().stream().map(InformationElement::name).toList();
    }

    private static long key(int id, long enterprise) {
        return enterprise << 16 | id;
    }

    private static String key(String name) {
        return name.toLowerCase(Locale.ROOT);
    }

    private static List<InformationElement> load() {
        List<InformationElement> elements = new ArrayList<>();
        try (InputStream in = ElementRegistry.class.getResourceAsStream(RESOURCE);
                BufferedReader lines =
                        new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8))) {
            lines.readLine();
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                String[] column = line.split(",", -1);
                boolean reserved = column[2].isEmpty();
                if (!reserved) {
                    elements.add(
                            new InformationElement(
                                    Integer.parseInt(column[0]),
                                    0,
                                    column[1],
                                    AbstractDataType.of(column[2]),
                                    column[3],
                                    column[4],
                                    column[5],
                                    column[6]));
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException("can't read the resource " + RESOURCE, e);
        }
        return elements;
    }
}
