// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.ipfix;

import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What a Collecting Process remembers of each Transport Session and Observation Domain: Templates
 * (RFC 7011, section 8) and the sequence number it expects next. Bounded both ways; the pair that
 * was silent for longest makes room for a new one. Not safe for use by several threads.
 */
public final class TemplateStore {

    /** The bounds used unless others are given: pairs of source and Observation Domain. */
    public static final int DEFAULT_MAX_SESSIONS = 1024;

    /** Templates and Options Templates for each of them. */
    public static final int DEFAULT_MAX_TEMPLATES = 1024;

    private final int maxSessions;
    private final int maxTemplates;
    private final Map<Key, Session> sessions = new LinkedHashMap<>(16, 0.75f, true);
    private long evicted;

    /** A store with the default bounds. */
    public TemplateStore() {
        this(DEFAULT_MAX_SESSIONS, DEFAULT_MAX_TEMPLATES);
    }

    /**
     * @param maxSessions pairs of source and Observation Domain at most
     * @param maxTemplates Templates for each of them at most
     */
    public TemplateStore(int maxSessions, int maxTemplates) {
        if (maxSessions < 1 || maxTemplates < 1) {
            throw new IllegalArgumentException(
                    "bounds must be positive: " + maxSessions + ", " + maxTemplates);
        }
        this.maxSessions = maxSessions;
        this.maxTemplates = maxTemplates;
    }

    /** Pairs of source and Observation Domain that were forgotten to make room for others. */
    public long evicted() {
        return evicted;
    }

    int maxTemplates() {
        return maxTemplates;
    }

    Session session(Object source, long observationDomainId) {
        Session session =
                sessions.computeIfAbsent(
                        new Key(source, observationDomainId), key -> new Session());
        if (sessions.size() > maxSessions) {
            sessions.remove(sessions.keySet().iterator().next());
            evicted++;
        }
        return session;
    }

    private record Key(Object source, long observationDomainId) {}

    /** One pair of source and Observation Domain. */
    static final class Session {
        /** Never changed, only replaced: a Message that turns out malformed leaves no trace. */
        Map<Integer, Template> templates = new HashMap<>();

        /** Whether {@link #nextSequence} can be relied on. */
        boolean sequenceKnown;

        int nextSequence;
        long exportTime;
    }
}
