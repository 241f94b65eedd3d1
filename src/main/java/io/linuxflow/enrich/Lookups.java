// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.enrich;

/**
 * What an enrichment that looks addresses up has done.
 *
 * @param cached addresses of which the answer is kept, also if it is that there is none
 * @param hits addresses of flows that were found there
 * @param misses addresses of flows that were not
 * @param pending addresses that wait to be looked up
 * @param dropped addresses that were not looked up, for want of time or of room to wait
 * @param failed lookups that nobody answered
 */
public record Lookups(
        long cached, long hits, long misses, long pending, long dropped, long failed) {

    /** Has done some. */
    public interface Source {
        Lookups lookups();
    }
}
