"""Voices that agents of the hosted platform name, and what is said with here."""

from __future__ import annotations

HOSTED_VOICES = {
    # women
    "21m00Tcm4TlvDq8ikWAM": "heart",  # Rachel
    "EXAVITQu4vr4xnSDxMaL": "heart",  # Sarah
    "9BWtsMINqrJLrRacOk9x": "heart",  # Aria
    "XrExE9yKIg1WjnnlVkGX": "heart",  # Matilda
    "AZnzlk1XvdvUeBnXmlld": "heart",  # Domi
    "Xb7hH8MSUJpSbSDYk0k2": "alto",  # Alice
    "pFZP5JQG7iQjIQuC4Bku": "alto",  # Lily
    "XB0fDUnXU5powFXDhCwa": "alto",  # Charlotte
    "pMsXgVXv3BLzUgSXRplE": "alto",  # Serena
    "ThT5KcBeYPX3keUQqHPh": "alto",  # Dorothy
    "piTKgcLEGmPE4e6mEKli": "alto",  # Nicole
    "cgSgspJ2msm6clMCkdW9": "bright",  # Jessica
    "FGY2WhTYpPnrIDTdsKH5": "bright",  # Laura
    "LcfcDJNUP1GQjkzn1xUU": "bright",  # Emily
    "jsCqWAovK2LkecY7zXl4": "bright",  # Freya
    "oWAxZDx7w5VEj9dCyTzz": "bright",  # Grace
    "MF3mGyEYCl7XYWbV9V6O": "young",  # Elli
    "jBpfuIE2acCO8z3wKNLl": "young",  # Gigi
    "zrHiDhphv9ZnVXBqCLjz": "young",  # Mimi
    # neither
    "SAz9YHcvj6GT2YYXdXww": "alto",  # River
    # men
    "cjVigY5qzO86Huf0OWal": "male",  # Eric, the platform's default
    "CwhRBWXzGAHq8TQ4Fs17": "male",  # Roger
    "JBFqnCBsd6RMkjVDRZzb": "male",  # George
    "TX3LPaxmHKxFdv7VOQHJ": "male",  # Liam
    "bIHbv24MWmeRgasZH58o": "male",  # Will
    "iP95p4xoKVk53GoZ742B": "male",  # Chris
    "onwK4e9ZLuTAKqWW03F9": "male",  # Daniel
    "IKne3meq5aSn9XLyUdCD": "male",  # Charlie
    "ErXwobaYiN019PkySvjV": "male",  # Antoni
    "TxGEqnHWrfWFTfGW9XjX": "male",  # Josh
    "yoZ06aMxZJJ28mfd3POQ": "male",  # Sam
    "nPczCjzI2devNBz1zQrb": "deep",  # Brian
    "pNInz6obpgDQGcFmaJgB": "deep",  # Adam
    "pqHfZKP75CvOlQylNhV4": "deep",  # Bill
    "N2lVS1w4EtoT3dr4eOWO": "deep",  # Callum
    "VR6AewLTigWG4xSOukaG": "deep",  # Arnold
    "2EiwWnXFnvU5JabPnv8n": "deep",  # Clyde
}
"""Well-known voices of the hosted platform, by id, and the embedded voice that stands in for each."""
