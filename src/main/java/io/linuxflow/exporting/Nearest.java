// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.exporting;

import java.util.Comparator;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** What somebody may have meant. */
public final class Nearest {

    private static final int COUNT = 3;

    private Nearest() {}

    /** The names that are most like this one, with commas. */
    public static String of(String name, Stream<String> names) {
        String wanted = name.toLowerCase(Locale.ROOT);
        return names.distinct()
                .sorted(Comparator.comparingInt(n -> distance(wanted, n.toLowerCase(Locale.ROOT))))
                .limit(COUNT)
                .collect(Collectors.joining(", "));
    }

    /** The one name that was meant, if it can have been a slip. */
    public static Optional<String> likely(String name, Stream<String> names) {
        String wanted = name.toLowerCase(Locale.ROOT);
        return names.filter(n -> distance(wanted, n.toLowerCase(Locale.ROOT)) <= n.length() / 3)
                .min(Comparator.comparingInt(n -> distance(wanted, n.toLowerCase(Locale.ROOT))));
    }

    /** Levenshtein's: insertions, deletions and substitutions that make one text the other. */
    private static int distance(String a, String b) {
        int[] above = new int[b.length() + 1];
        for (int j = 0; j <= b.length(); j++) {
            above[j] = j;
        }
        for (int i = 1; i <= a.length(); i++) {
            int[] row = new int[b.length() + 1];
            row[0] = i;
            for (int j = 1; j <= b.length(); j++) {
                int substitution = a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1;
                row[j] = Math.min(above[j - 1] + substitution, Math.min(above[j], row[j - 1]) + 1);
            }
            above = row;
        }
        return above[b.length()];
    }
}
