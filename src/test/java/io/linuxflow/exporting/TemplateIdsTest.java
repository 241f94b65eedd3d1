// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.exporting;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.linuxflow.ipfix.Template;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TemplateIdsTest {

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "256                  | 256, 257, 258, 259",
                "1001                 | 1001, 1002, 1003, 1004",
                "1001, 2001           | 1001, 2001, 2002, 2003",
                "65535,300,40000,1024 | 65535, 300, 40000, 1024",
                "1024,300,400,500,600 | 1024, 300, 400, 500",
            })
    void idsAreListedOrCountedOn(String list, String ids) {
        FieldList fields =
                FieldList.parse(
                        FieldList.DEFAULT_ELEMENTS,
                        EnterpriseElements.NONE,
                        TemplateIds.parse(list));
        assertThat(fields.templates()).extracting(Template::id).hasToString("[" + ids + "]");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '"',
            value = {
                "255           | Template ID 255 is out of range: 256 to 65535",
                "65536         | Template ID 65536 is out of range",
                "99999999999   | Template ID 99999999999 is out of range",
                "x             | Template ID x is out of range",
                "\"\"          | Template ID  is out of range",
                "1001,         | Template ID  is out of range",
                "300,301,300   | Template ID 300 is there twice",
                "65534         | Template ID 65536, counted on from the last one listed, is out of",
                "257,256       | Template ID 257, counted on from the last one listed, is there",
            })
    void badIdsAreRefused(String list, String error) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> TemplateIds.parse(list).take(4))
                .withMessageContaining(error);
    }
}
