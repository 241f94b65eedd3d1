// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.ipfix;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What a Collecting Process remembers of each Transport Session and Observation Domain: Templates
 * (RFC 7011, section 8) and the sequence number it expects next. Bounded both ways; the pair of
 * source and Observation Domain that was silent for longest makes room for a new one.
 */
public final class TemplateStore {

    /** The bound on pairs of source and Observation Domain unless another is given. */
    public static final int DEFAULT_MAX_SESSIONS = 256;

    /** The bound on fields of all Templates of one of them: 500 Templates of ordinary size. */
    public static final int DEFAULT_MAX_FIELDS = 16384;

    private final int maxSessions;
    private final int maxFields;
    private final Map<Key, Session> sessions = new LinkedHashMap<>(16, 0.75f, true);
    private long evicted;

    /** A store with the default bounds. */
    public TemplateStore() {
        this(DEFAULT_MAX_SESSIONS, DEFAULT_MAX_FIELDS);
    }

    /**
     * @param maxSessions pairs of source and Observation Domain, at most
     * @param maxFields fields of all Templates of one of them, at most; a Message that would exceed
     *     it is refused
     */
    public TemplateStore(int maxSessions, int maxFields) {
        if (maxSessions < 1 || maxFields < 1) {
            throw new IllegalArgumentException(
                    "bounds must be positive: " + maxSessions + ", " + maxFields);
        }
        this.maxSessions = maxSessions;
        this.maxFields = maxFields;
    }

    int maxFields() {
        return maxFields;
    }

    /** Pairs of source and Observation Domain that were forgotten to make room for others. */
    long evicted() {
        return evicted;
    }

    /** What is known of the pair; a new one is not remembered before {@link #keep}. */
    Session session(Object source, long observationDomainId) {
        Session known = sessions.get(new Key(source, observationDomainId));
        return known == null ? new Session() : known;
    }

    void keep(Object source, long observationDomainId, Session session) {
        sessions.put(new Key(source, observationDomainId), session);
        if (sessions.size() > maxSessions) {
            sessions.remove(sessions.keySet().iterator().next());
            evicted++;
        }
    }

    private record Key(Object source, long observationDomainId) {}

    /** One pair of source and Observation Domain. */
    static final class Session {
        /** By ID; never changed, only replaced: a malformed Message leaves no trace. */
        Map<Integer, Template> templates = Map.of();

        /** Whether {@link #nextSequence} can be relied on. */
        boolean sequenceKnown;

        int nextSequence;

        /** Of the newest Message, in seconds since 1970. */
        long exportTime;
    }
}
